import os
from typing import Literal

from deepagents import create_deep_agent
from langchain_core.tools import tool
from tavily import TavilyClient

tavily = TavilyClient(api_key=os.environ.get("TAVILY_API_KEY", ""))


def internet_search(query: str, max_results: int = 5, topic: Literal["general", "news"] = "general"):
    """Run a web search"""
    return tavily.search(query, max_results=max_results, topic=topic)


def read_paper(url: str) -> str:
    """Read a paper."""
    return url


@tool
def publish(title: str, text: str) -> str:
    """Put the report online."""
    return title


critic = {
    "name": "critic",
    "description": "Finds what is wrong with a report",
    "system_prompt": "You are strict. Use `write_todos` first.",
    "tools": [read_paper],
}

agent = create_deep_agent(
    [internet_search, publish],
    "You are an expert researcher.",
    subagents=[critic],
)
