"""An MCP server of one tool, which the programs start as a process of its own."""

from mcp.server import MCPServer

server = MCPServer("bank")


@server.tool()
def refund(amount: int) -> str:
    """Give money back."""
    return f"refunded {amount}"


server.run("stdio")
