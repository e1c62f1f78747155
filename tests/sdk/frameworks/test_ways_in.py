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

from frameworks.test_pages import (
    BROKEN,
    DENIED,
    PERMITTED,
    PROGRAM_SECONDS,
    Row,
    environment,
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


@pages
def test_every_way_in_asks_once_and_lets_exceptions_out(row: Row, stack: Stack) -> None:
    file = WAYS / f"of_{row.page.replace('-', '_')}.py"
    done = subprocess.run(
        [row.python, str(file), json.dumps([PERMITTED, DENIED, BROKEN])],
        cwd=stack.folder,
        env=environment(stack),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    whole = done.stdout + done.stderr
    assert done.returncode == 0, whole
    lines = [line[6:] for line in done.stdout.splitlines() if line.startswith("seen: ")]
    seen: dict[str, dict[int, str]] = {}
    for way, amount, what in map(json.loads, lines):
        seen.setdefault(way, {})[amount] = what
    assert len(seen) > 1, whole
    for way, saw in seen.items():
        assert "refunded 80" in saw[PERMITTED], (way, saw)
        assert "go through finance" in saw[DENIED] and "refunded" not in saw[DENIED], (way, saw)
        assert NOT_THE_SAME.get((row.page, way), "the same") in saw[BROKEN], (way, saw)
    decisions = records(stack, "decision")
    effects = [(record["effect"], record["args"]) for record in decisions]
    expected = [("permit", PERMITTED), ("deny", DENIED), ("permit", BROKEN)] * len(seen)
    assert effects == [(effect, {"amount": amount}) for effect, amount in expected], whole
    statuses = [record["detail"]["status"] for record in records(stack, "outcome")]
    assert statuses == ["ok", "error"] * len(seen), whole
