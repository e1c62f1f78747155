"""Every way in to a governed tool: called, awaited, streamed, by the framework or past it.

Each way is tried with a call that is permitted, one that is denied and one whose tool raises,
against a real daemon; each must be one decision, and the tool's exception must be the very
object that it raised wherever the framework lets exceptions out.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from stack import Stack

from frameworks.table import Row
from frameworks.test_autoload import START
from frameworks.test_pages import (
    BROKEN,
    DENIED,
    PERMITTED,
    PROGRAM_SECONDS,
    environment,
    of,
    pages,
    records,
)

WAYS = Path(__file__).parent / "ways"

# Where the framework makes a text of a tool's exception, or one of its own.
NOT_THE_SAME = {
    ("openai-agents", "run"): "An error occurred while running the tool",
    ("openai-agents", "run_streamed"): "An error occurred while running the tool",
    ("openai-agents", "run without failure_error_function"): "UserError: Error running tool refund",
    ("anthropic", "the tool runner"): "RuntimeError('the bank is closed')",
    ("anthropic", "the async tool runner"): "RuntimeError('the bank is closed')",
    ("autogen", "a workbench"): "the bank is closed",
    ("autogen", "a workbench that streams"): "the bank is closed",
    ("ag2", "a function"): "RuntimeError: the bank is closed",
    ("ag2", "a coroutine"): "RuntimeError: the bank is closed",
}


def seen_of(
    python: str, program: str, amounts: list[int], stack: Stack, *before: str, **variables: str
) -> dict[str, dict[int, str]]:
    """What a program of ways/ saw of each amount, by way."""
    done = subprocess.run(
        [python, *before, str(WAYS / f"{program.replace('-', '_')}.py"), json.dumps(amounts)],
        cwd=stack.folder,
        env=environment(stack, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    whole = done.stdout + done.stderr
    assert done.returncode == 0, whole
    seen: dict[str, dict[int, str]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("seen: "):
            way, amount, what = json.loads(line[6:])
            seen.setdefault(way, {})[amount] = what
    assert seen, whole
    for way, saw in seen.items():
        assert "refunded 80" in saw[PERMITTED], (way, saw)
        assert "go through finance" in saw[DENIED] and "refunded" not in saw[DENIED], (way, saw)
    return seen


def decisions(stack: Stack) -> list[tuple[str, object]]:
    return [(record["effect"], record["args"]) for record in records(stack, "decision")]


@pages
def test_every_way_in_asks_once_and_lets_exceptions_out(row: Row, stack: Stack) -> None:
    seen = seen_of(row.python_with_extras, f"of_{row.page}", [PERMITTED, DENIED, BROKEN], stack)
    assert len(seen) > 1
    for way, saw in seen.items():
        assert NOT_THE_SAME.get((row.page, way), "the same") in saw[BROKEN], (way, saw)
    expected = [("permit", PERMITTED), ("deny", DENIED), ("permit", BROKEN)] * len(seen)
    assert decisions(stack) == [(effect, {"amount": amount}) for effect, amount in expected]
    statuses = [record["detail"]["status"] for record in records(stack, "outcome")]
    assert statuses == ["ok", "error"] * len(seen)


@of("ag2", "anthropic", "autogen", "openai-agents", "pydantic-ai")
def test_the_autoload_meets_what_is_no_list_of_tools(row: Row, stack: Stack) -> None:
    strict = {"FARAMESH_AUTOLOAD": "strict", "FARAMESH_AGENT_ID": "support-bot"}
    seen = seen_of(
        row.python_with_extras,
        f"auto_{row.page}",
        [PERMITTED, DENIED],
        stack,
        "-c",
        START,
        **strict,
    )
    expected = [("permit", PERMITTED), ("deny", DENIED)] * len(seen)
    assert decisions(stack) == [(effect, {"amount": amount}) for effect, amount in expected]
