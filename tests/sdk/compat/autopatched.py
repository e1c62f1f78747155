"""LangChain @tool functions under the published package's autopatch."""

from __future__ import annotations

import faramesh.autopatch
from client import serve
from langchain_core.tools import tool

assert "langchain" in faramesh.autopatch.install()


def amounts(amount: int) -> str:
    """Give money back."""
    return f"refunded {amount}"


async def async_amounts(amount: int) -> str:
    return amounts(amount)


TOOLS = {name: tool(name)(amounts) for name in ("refund", "stripe/refund", "wire_money")}
for each in TOOLS.values():
    each.coroutine = async_amounts

serve(TOOLS.__getitem__)
