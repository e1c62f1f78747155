"""The agent's tools. They act on this dictionary only: nothing leaves the process."""

from __future__ import annotations

from langchain_core.tools import tool
from pydantic import BaseModel


class Card(BaseModel):
    number: str
    brand: str


ORDERS = {"1042": {"item": "stoneware mug", "paid": 80, "refunded": 0}}


@tool
def search(query: str) -> str:
    """Search the knowledge base for orders and help texts."""
    for number, order in ORDERS.items():
        if number in query:
            return f"order {number}: {order['item']}, paid ${order['paid']}, arrived broken"
    return "nothing found"


@tool
def refund(order: str, amount: int, card: Card) -> str:
    """Pay `amount` dollars of an order back to the customer's card."""
    ORDERS[order]["refunded"] += amount
    return f"refunded ${amount:,} for order {order} to the customer's {card.brand}"


@tool
def payout(account: str, amount: int) -> str:
    """Send `amount` dollars to a bank account."""
    return f"paid ${amount:,} to {account}"


# LangChain allows no slash in a tool's name; the policy speaks of these.
GOVERNED_NAMES = {
    "search": "knowledgebase/search",
    "refund": "stripe/refund",
    "payout": "stripe/payouts",
}
