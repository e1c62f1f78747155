from pydantic_ai import FunctionToolset, Tool

def order_card(kind: str) -> str:
    """Send a new card."""
    return kind


def status(card_id: str) -> str:
    """Whether a card works."""
    return card_id


cards = FunctionToolset(tools=[order_card, Tool(status, name="card-status")])


@cards.tool
def spending_limit(card_id: str, limit: int) -> None:
    """Change the limit of a card."""
