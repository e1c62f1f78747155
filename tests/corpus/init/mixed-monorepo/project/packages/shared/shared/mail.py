def send_mail(to: str, body: str) -> None:
    """Send a mail."""
