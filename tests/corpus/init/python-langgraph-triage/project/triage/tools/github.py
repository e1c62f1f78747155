from typing import Annotated, Literal

from langchain_core.tools import InjectedToolCallId, tool
from langgraph.prebuilt import InjectedState
from langgraph.types import Command

from ..names import CLOSE_TOOL


@tool
async def list_issues(repository: str, state: Literal["open", "closed"] = "open") -> list[dict]:
    """List the issues of a repository."""
    return []


@tool
def add_label(
    issue: int,
    labels: list[str],
    tool_call_id: Annotated[str, InjectedToolCallId],
    state: Annotated[dict, InjectedState],
) -> Command:
    """Put labels on an issue."""
    return Command(update={"labels": labels})


@tool(CLOSE_TOOL)
def close(issue: int, comment: str = "") -> str:
    """Close an issue with a comment."""
    return "closed"
