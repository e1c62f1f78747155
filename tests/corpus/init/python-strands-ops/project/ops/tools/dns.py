from typing import Any

from strands import ToolContext, tool


@tool(context=True)
def update_record(zone: str, name: str, value: str, tool_context: ToolContext) -> dict[str, Any]:
    """Change a record of the DNS.

    Args:
        zone: such as example.com
        name: such as www
        value: an address
    """
    return {}
