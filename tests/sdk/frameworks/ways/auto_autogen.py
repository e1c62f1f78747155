from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from autogen_core.tools import TextResultContent, ToolResult
from autogen_core.tools._workbench import StreamWorkbench
from shared_tools import last, pay, run_all, ways


class Own(StreamWorkbench):
    """As the workbench of an MCP server does, it calls tools that are no objects here."""

    async def list_tools(self) -> list[Any]:
        return []

    async def call_tool(
        self, name: str, arguments: Any = None, cancellation_token: Any = None, call_id: Any = None
    ) -> ToolResult:
        return ToolResult(name=name, result=[TextResultContent(content=pay(arguments["amount"]))])

    async def call_tool_stream(
        self, name: str, arguments: Any = None, cancellation_token: Any = None, call_id: Any = None
    ) -> AsyncIterator[Any]:
        yield "begun"
        yield ToolResult(name=name, result=[TextResultContent(content=pay(arguments["amount"]))])

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def reset(self) -> None: ...

    async def save_state(self) -> dict[str, Any]:
        return {}

    async def load_state(self, state: Any) -> None: ...


ways["call_tool"] = lambda amount: Own().call_tool("refund", {"amount": amount})
ways["call_tool_stream"] = lambda amount: last(
    Own().call_tool_stream("refund", {"amount": amount}, call_id=f"call-{amount}")
)
run_all()
