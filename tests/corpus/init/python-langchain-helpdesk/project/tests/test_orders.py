from langchain_core.tools import tool


@tool
def fake_refund(order_id: str) -> str:
    """A refund that does nothing."""
    return order_id
