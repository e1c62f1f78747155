from langchain_anthropic import ChatAnthropic
from langgraph.prebuilt import ToolNode

from .tools import add_label, close, list_issues, page_on_call


def assign_owner(issue: int, team: str) -> str:
    """Make a team the owner of an issue."""
    return team


TOOLS = [list_issues, add_label, close]
TOOLS += [page_on_call]
model = ChatAnthropic(model="claude-sonnet-4-5").bind_tools(TOOLS + [assign_owner])
tool_node = ToolNode([*TOOLS, assign_owner])


def route(state: dict) -> str:
    """Decide where to go."""
    return "tools" if state["messages"][-1].tool_calls else "__end__"
