from typing import Optional, Type

from crewai.tools import BaseTool
from pydantic import BaseModel, Field


class PublishInput(BaseModel):
    """Input of the tool."""

    headline: str = Field(..., description="At most 80 letters.")
    body: str = Field(..., description="The article.")
    section: Optional[str] = Field(None)


class PublishTool(BaseTool):
    name: str = "Publish article"
    description: str = (
        "Puts an article on the site. "
        "It cannot be taken back."
    )
    args_schema: Type[BaseModel] = PublishInput

    def _run(self, headline: str, body: str, section: str | None = None) -> str:
        return headline


class ArchiveTool(BaseTool):
    name: str = "Search the archive"
    description: str = "Finds old articles."

    def _run(self, query: str, year: int = 2026) -> str:
        return ""
