"""The table of docs/frameworks/README.md, and what the page of each row tells to install.

python -m frameworks.table    one line for each row: its page, its age and its requirements
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs" / "frameworks"


@dataclasses.dataclass(frozen=True)
class Row:
    """One version in a line of the table: the page, the package and what is seen when."""

    page: str
    age: str
    package: str
    version: str
    deny: str
    defer: str
    away: str
    tool_raises: str

    def __str__(self) -> str:
        return f"{self.page}-{self.version}" if self.version else self.page

    @property
    def python(self) -> str:
        """The interpreter with what the page tells to install."""
        return interpreter(f"{self.page}/{self.age}")

    @property
    def python_with_extras(self) -> str:
        """The interpreter with what the framework needs for more, such as MCP."""
        return interpreter(f"{self.page}/{self.age}/extras")

    def requirements(self) -> list[str]:
        """The packages of the page beside the SDK, with the version of this row."""
        text = (DOCS / f"python-{self.page}.md").read_text()
        (packages,) = re.findall(r"(?m)^pip install faramesh-sdk(.*)$", text)
        asked = packages.split()
        assert self.package in asked or not asked
        return [f"{name}=={self.version}" if name == self.package else name for name in asked]


def interpreter(place: str) -> str:
    """That of the environment, which tests/sdk/run names."""
    named = dict(pair.split("=", 1) for pair in os.environ.get("FRAMEWORK_PYTHONS", "").split())
    if place not in named:
        pytest.skip(f"no environment for {place}: run tests/sdk/run frameworks")
    return named[place]


def rows() -> list[Row]:
    """The current version of a page's package comes first, in its cell or in its lines."""
    found: list[Row] = []
    for line in (DOCS / "README.md").read_text().splitlines():
        if match := re.match(r"\| \[[^]]+\]\(python-([a-z0-9-]+)\.md\) \| (.*) \|$", line):
            page = match[1]
            versions, *seen = (cell.strip() for cell in match[2].split(" | "))
            package, _, listed = versions.partition(" ")
            for version in listed.split(", "):
                age = "older" if any(row.page == page for row in found) else "current"
                found.append(Row(page, age, package, version, *seen))
    return found


ROWS = rows()

if __name__ == "__main__":
    for row in ROWS:
        print(row.page, row.age, *row.requirements())
