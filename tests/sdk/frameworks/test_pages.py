"""The program of every page in docs/frameworks, as printed there, against a real daemon.

Each runs in an environment of what its page tells to install and nothing else, and what its
user sees is compared with the table in docs/frameworks/README.md: the table is the expectation.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stack import Stack

from frameworks.table import DOCS, ROWS, Row

PROGRAM_SECONDS = 180.0
PERMITTED, DEFERRED, DENIED, BROKEN = 80, 8000, 20_000, 13

# Each refund of 80 is within the rules, and the second one of a day is more than is left.
BUDGET = """\
agent "support-bot" {
  default deny
  rules { permit refund if amount < $500 }
  budget daily { max $100  tools ["refund"]  cost amount }
}
"""

READS = "the model reads it"


def program(page: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """The page's one Python block as a file, with the first text of each change made the second."""
    (block,) = re.findall(r"(?ms)^```python\n(.*?)^```$", (DOCS / f"python-{page}.md").read_text())
    for old, new in changes:
        assert block.count(old) == 1, old
        block = block.replace(old, new)
    file = folder / "agent.py"
    file.write_text(block)
    return file


@dataclasses.dataclass
class Play:
    """What one run of a program showed."""

    seen: str
    text: str
    whole: str


def environment(stack: Stack, **variables: str) -> dict[str, str]:
    """The daemon's socket, this SDK, and no telemetry of the frameworks."""
    return {
        **stack.environment(),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "FARAMESH_SOCKET": str(stack.socket),
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_TRACING_ENABLED": "false",
        "OTEL_SDK_DISABLED": "true",
        **variables,
    }


def play(row: Row, amount: int, stack: Stack, *changes: tuple[str, str], **variables: str) -> Play:
    done = subprocess.run(
        [row.python, str(program(row.page, stack.folder, *changes)), str(amount)],
        cwd=stack.folder,
        env=environment(stack, **variables),
        input="",
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    whole = done.stdout + done.stderr
    if match := re.search(r"(?ms)^interrupted: (\S+)", done.stdout):
        return Play("the graph pauses", match[1], whole)
    if match := re.search(r"(?ms)^(?:model saw|result): (.*)", done.stdout):
        return Play(READS, match[1], whole)
    raised = re.findall(r"(?m)^(?:\w+\.)*(\w+): (.*)", done.stderr)
    assert done.returncode == 1 and raised, whole
    return Play(f"raises `{raised[-1][0]}`", raised[-1][1], whole)


def records(stack: Stack, kind: str) -> list[dict[str, Any]]:
    lines = stack.command(
        "audit", "ls", "--kind", kind, "--format", "jsonl", format_json=False
    ).splitlines()
    return [json.loads(line) for line in lines]


pages = pytest.mark.parametrize("row", ROWS, ids=str)


def of(*names: str) -> pytest.MarkDecorator:
    """The rows of these pages."""
    chosen = [row for row in ROWS if row.page in names]
    return pytest.mark.parametrize("row", chosen, ids=str)


def test_every_page_is_in_the_table() -> None:
    pages_there = {file.stem[7:] for file in DOCS.glob("python-*.md")}
    assert {row.page for row in ROWS if row.age == "current"} == pages_there
    older = {row.page for row in ROWS if row.age == "older"}
    assert older == pages_there - {"functions"} and len(ROWS) == len(pages_there) + len(older)


@pages
def test_what_the_page_shows(row: Row, stack: Stack) -> None:
    permitted = play(row, PERMITTED, stack)
    assert "refunded 80" in permitted.text, permitted.whole

    denied = play(row, DENIED, stack)
    assert denied.seen == row.deny, denied.whole
    assert "refunds of $10,000 and more go through finance" in denied.text, denied.whole

    deferred = play(row, DEFERRED, stack)
    assert deferred.seen == row.defer, deferred.whole
    (waiting,) = stack.pending()
    # One evaluation for each call that the framework made, whatever it did with a refusal.
    effects = [record["effect"] for record in records(stack, "decision")]
    assert effects == ["permit", "deny", "defer"]

    stack.approve(waiting["id"])
    approved = play(row, DEFERRED, stack)
    assert "refunded 8000" in approved.text, approved.whole
    assert not stack.pending()


@pages
def test_over_a_budget_is_seen_as_any_other_denial(
    row: Row, make_stack: Callable[[str], Stack]
) -> None:
    stack = make_stack(BUDGET)
    within = play(row, PERMITTED, stack)
    assert "refunded 80" in within.text, within.whole

    over = play(row, PERMITTED, stack)
    assert over.seen == row.deny, over.whole
    assert "BUDGET_EXCEEDED" in over.text and "refunded" not in over.whole, over.whole
    decided = [(record["effect"], record["code"]) for record in records(stack, "decision")]
    assert decided == [("permit", "POLICY_PERMIT"), ("deny", "BUDGET_EXCEEDED")]


@pages
def test_a_tool_that_raises_is_reported_and_its_exception_goes_on(row: Row, stack: Stack) -> None:
    broken = play(row, BROKEN, stack)
    assert broken.seen == row.tool_raises, broken.whole
    # OpenAI Agents tells the model that a tool failed, not why.
    why = "An error occurred" if row.page == "openai-agents" else "the bank is closed"
    assert why in broken.text, broken.whole
    outcomes = records(stack, "outcome")
    assert outcomes and {outcome["detail"]["status"] for outcome in outcomes} == {"error"}


@pages
def test_without_a_daemon_nothing_runs(row: Row, stack: Stack) -> None:
    away = play(row, PERMITTED, stack, FARAMESH_SOCKET=str(stack.folder / "none.sock"))
    assert "refunded" not in away.whole
    assert away.seen == row.away, away.whole
    assert "cannot reach the Faramesh daemon" in away.whole


@pages
def test_the_version_in_the_table_is_the_one_that_is_tested(row: Row) -> None:
    if row.page == "functions":
        assert row.package == "none" and not row.version
        return
    asked = f"import importlib.metadata as m; print(m.version({row.package!r}))"
    for python in (row.python, row.python_with_extras):
        done = subprocess.run(
            [python, "-c", asked], capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout.strip() == row.version


@pages
def test_no_framework_is_imported_before_its_tools_are_met(row: Row, stack: Stack) -> None:
    code = """
import sys
import faramesh
from faramesh.frameworks import ADAPTERS
faramesh.GovernedToolSet([lambda amount: amount], agent_id="support-bot")
known = [name for name in ADAPTERS if name != "google"] + ["google.adk", "langgraph"]
print([name for name in known if name in sys.modules])
"""
    for autoload in ("0", "strict"):
        done = subprocess.run(
            [row.python, "-c", code],
            env=environment(stack, FARAMESH_AUTOLOAD=autoload),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout == "[]\n"
