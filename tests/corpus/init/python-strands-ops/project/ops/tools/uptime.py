"""A tool as a module, as it was written before the decorator."""

from strands.types.tools import ToolResult, ToolUse

TOOL_SPEC = {
    "name": "uptime",
    "description": "How long a host is up.",
    "inputSchema": {
        "json": {"type": "object", "properties": {"host": {"type": "string"}}, "required": ["host"]}
    },
}


def uptime(tool: ToolUse, **kwargs) -> ToolResult:
    return {"toolUseId": tool["toolUseId"], "status": "success", "content": [{"text": "3 days"}]}
