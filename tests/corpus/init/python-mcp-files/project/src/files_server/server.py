from pathlib import Path

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.session import ServerSession
from mcp.types import ToolAnnotations

from . import search

mcp = FastMCP("files", instructions="Works below one folder.")
ROOT = Path.home()


def within(path: str) -> Path:
    """Refuses what is outside."""
    full = (ROOT / path).resolve()
    if ROOT not in full.parents:
        raise ValueError(path)
    return full


@mcp.tool()
async def read_file(path: str, ctx: Context[ServerSession, None]) -> str:
    """Read a file."""
    await ctx.info(path)
    return within(path).read_text()


@mcp.tool(name="write_file", annotations=ToolAnnotations(destructiveHint=True))
def write(path: str, text: str) -> int:
    """Write a file."""
    return within(path).write_text(text)


@mcp.tool("delete_file")
def remove(path: str) -> None:
    """Delete a file for good."""
    within(path).unlink()


@mcp.tool(title="List", structured_output=True)
def list_folder(path: str = ".") -> list[str]:
    return [entry.name for entry in within(path).iterdir()]


def move(source: str, target: str) -> None:
    """Move a file."""


mcp.add_tool(move, name="move_file")


@mcp.resource("file://{path}")
def file_resource(path: str) -> str:
    return path


@mcp.prompt()
def review(path: str) -> str:
    return f"Review {path}"


search.register(mcp)


def main() -> None:
    mcp.run()
