from langchain.agents import create_agent
from langchain_tavily import TavilySearch

from helpdesk.tools import ALL_TOOLS

PROMPT = """You answer customers of a shop. Tools such as @tool def impersonate(): are not yours."""


def escalate(ticket_id: str, reason: str) -> str:
    """Hand a ticket to a person."""
    return f"{ticket_id}: {reason}"


def load_prompt(name: str) -> str:
    """Not for the model."""
    return PROMPT


def build(model: str = "openai:gpt-5"):
    return create_agent(
        model,
        tools=[
            *ALL_TOOLS,
            escalate,
            TavilySearch(max_results=3),
        ],
        system_prompt=load_prompt("default"),
    )
