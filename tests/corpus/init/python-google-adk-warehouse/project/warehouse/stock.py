from __future__ import annotations


def stock_level(sku: str) -> dict:
    """How much is there."""
    return {}


async def move_stock(sku: str, origin: str, target: str, *, tool_context: "ToolContext") -> dict:
    """Move goods between shelves."""
    return {}


def audit_log(line: str) -> None:
    print(line)


STOCK_TOOLS = [stock_level, move_stock]
