from __future__ import annotations

from pathlib import Path
from typing import Any

from shared_tools import pay, run_all, ways
from faramesh import GovernedToolSet
from of_pydantic_ai import agent_of, run
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset, PrefixedToolset, ToolsetTool
from pydantic_core import SchemaValidator, core_schema

SERVER = Path(__file__).with_name("mcp_server.py")
SCHEMA = {"type": "object", "properties": {"amount": {"type": "integer"}}}


class Own(AbstractToolset[Any]):
    @property
    def id(self) -> str:
        return "own"

    async def get_tools(self, ctx: Any) -> dict[str, Any]:
        return {
            "refund": ToolsetTool(
                toolset=self,
                tool_def=ToolDefinition(name="refund", parameters_json_schema=SCHEMA),
                max_retries=1,
                args_validator=SchemaValidator(core_schema.any_schema()),
            )
        }

    async def call_tool(self, name: str, tool_args: dict[str, Any], ctx: Any, tool: Any) -> str:
        return pay(tool_args["amount"])


def asks(name: str, amount: int, toolset: Any) -> Any:
    return run(agent_of(name, amount, toolsets=[toolset]))


ways.clear()
ways["a tool of an MCP server"] = lambda amount: asks("refund", amount, MCPToolset(SERVER))
ways["a toolset of one's own"] = lambda amount: asks("refund", amount, Own())
# Governed by the code too, which asks alone, and under the name that it gives.
named = GovernedToolSet(
    [PrefixedToolset(Own(), "bank")], agent_id="support-bot", names={"bank_refund": "refund"}
)
ways["one that the code governs"] = lambda amount: asks("bank_refund", amount, named[0])
run_all()
