def page_on_call(team: str, message: str) -> str:
    """Wake somebody."""
    return team


def page_everyone(message: str) -> str:
    return message
