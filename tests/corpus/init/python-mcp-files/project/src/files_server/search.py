from mcp.server.fastmcp import FastMCP


def register(server: FastMCP) -> None:
    @server.tool()
    def grep(pattern: str, folder: str = ".") -> list[str]:
        """Find lines."""
        return []
