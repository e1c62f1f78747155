from enum import Enum

from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.types import TextContent, Tool
from pydantic import BaseModel


class TimeTools(str, Enum):
    GET_CURRENT_TIME = "get_current_time"
    CONVERT_TIME = "convert_time"


class Alarm(BaseModel):
    at: str


async def serve() -> None:
    server = Server("clock")

    @server.list_tools()
    async def list_tools() -> list[Tool]:
        """What there is."""
        return [
            Tool(
                name=TimeTools.GET_CURRENT_TIME.value,
                description="The time in a timezone",
                inputSchema={
                    "type": "object",
                    "properties": {"timezone": {"type": "string", "description": "such as Europe/Rome"}},
                    "required": ["timezone"],
                },
            ),
            Tool(
                name=TimeTools.CONVERT_TIME,
                description="A time elsewhere",
                inputSchema={"type": "object", "properties": {"source": {}, "time": {}, "target": {}}},
            ),
            Tool(name="set_alarm", inputSchema=Alarm.model_json_schema()),
        ]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict) -> list[TextContent]:
        match name:
            case TimeTools.GET_CURRENT_TIME.value:
                return [TextContent(type="text", text="12:00")]
        raise ValueError(name)

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
