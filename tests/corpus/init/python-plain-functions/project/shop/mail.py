import faramesh


@faramesh.governed("mail/send", agent_id="shop")
async def send(to: str, text: str) -> None:
    """Write to a customer."""
