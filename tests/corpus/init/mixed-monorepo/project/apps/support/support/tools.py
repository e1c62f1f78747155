from langchain_core.tools import tool


@tool
def refund(order_id: str, amount: float) -> str:
    """Give money back."""
    return order_id


def search(query: str) -> str:
    """Search the orders."""
    return query
