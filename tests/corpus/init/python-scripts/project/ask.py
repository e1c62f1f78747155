# /// script
# requires-python = ">=3.12"
# dependencies = ["pydantic-ai-slim[anthropic]", "httpx"]
# ///
import httpx
from pydantic_ai import Agent


def search_wiki(term: str) -> list[str]:
    """Search the wiki."""
    return httpx.get("https://wiki.example.com", params={"q": term}).json()


def build_index() -> None:
    """Takes an hour."""


agent = Agent("anthropic:claude-sonnet-4-5", tools=[search_wiki])


@agent.tool_plain
def read_page(title: str, section: str = "") -> str:
    """Read a page of the wiki."""
    return title


if __name__ == "__main__":
    print(agent.run_sync("What is our holiday policy?").output)
