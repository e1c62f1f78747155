"""What the agent may do with orders."""

import os
from typing import Optional, Type

import httpx
from langchain_core.callbacks import CallbackManagerForToolRun
from langchain_core.tools import BaseTool, tool
from pydantic import BaseModel, Field

BASE = os.environ.get("ORDERS_URL", "http://localhost:9000")


class RefundInput(BaseModel):
    """The arguments of a refund."""

    order_id: str = Field(description="Order number, such as A-1042")
    amount: float = Field(gt=0, description="Amount in dollars")
    reason: Optional[str] = None


@tool
async def find_order(order_id: str) -> dict:
    """Look up one order by its number."""
    async with httpx.AsyncClient(base_url=BASE) as client:
        response = await client.get(f"/orders/{order_id}")
        return response.json()


@tool(args_schema=RefundInput, return_direct=False)
def refund_order(order_id: str, amount: float, reason: str | None = None) -> str:
    """Give money back for an order."""
    httpx.post(f"{BASE}/refunds", json={"order": order_id, "amount": amount, "reason": reason})
    return f"refunded {amount}"


class CancelOrderInput(BaseModel):
    order_id: str


class CancelOrderTool(BaseTool):
    name: str = "cancel_order"
    description: str = "Cancel an order that has not been shipped."
    args_schema: Type[BaseModel] = CancelOrderInput

    def _run(self, order_id: str, run_manager: Optional[CallbackManagerForToolRun] = None) -> str:
        return httpx.delete(f"{BASE}/orders/{order_id}").text


# Too dangerous, see the incident of March.
# @tool
# def delete_customer(customer_id: str) -> None:
#     """Delete a customer."""
