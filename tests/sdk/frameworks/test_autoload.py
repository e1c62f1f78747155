"""``FARAMESH_AUTOLOAD=strict`` on every page's program with its one governed line taken out."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from stack import Stack

from frameworks.test_pages import (
    DENIED,
    PERMITTED,
    ROWS,
    Row,
    environment,
    interpreter,
    of,
    program,
    records,
)

# Nothing of a framework is there to patch in a loop of one's own.
PATCHED = dict.fromkeys(row.page for row in ROWS if row.page not in ("functions", "anthropic"))

START = "import sys, runpy, faramesh; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"


def ungoverned(page: str, folder: Path) -> Path:
    file = program(page, folder)
    bare, count = re.subn(r"GovernedToolSet\((\[.*\]), agent_id=.*\)", r"\1", file.read_text())
    assert count == 1
    file.write_text(bare.replace("from faramesh import GovernedToolSet\n", ""))
    return file


@of(*PATCHED)
def test_an_untouched_program_is_governed(row: Row, stack: Stack) -> None:
    file = ungoverned(row.page, stack.folder)
    said = ""
    for amount in (PERMITTED, DENIED):
        done = subprocess.run(
            [row.python, "-c", START, str(file), str(amount)],
            cwd=stack.folder,
            env=environment(
                stack, FARAMESH_AUTOLOAD="strict", FARAMESH_AGENT_ID="support-bot"
            ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        said = done.stdout + done.stderr
        assert "faramesh: governs " in done.stderr, said
        assert ("refunded" in said) == (amount == PERMITTED), said
    assert "refunds of $10,000 and more go through finance" in said
    assert [record["effect"] for record in records(stack, "decision")] == ["permit", "deny"]


@pytest.mark.parametrize("name", ["agno.agent", "smolagents"])
@pytest.mark.parametrize("order", ["faramesh, {}", "{}, faramesh"])
def test_a_framework_that_nobody_can_patch_is_refused(name: str, order: str, stack: Stack) -> None:
    def import_it(autoload: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [interpreter("unknown/current"), "-c", f"import {order.format(name)}\nprint('runs')"],
            cwd=stack.folder,
            env=environment(stack, FARAMESH_AUTOLOAD=autoload),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    unknown = f"no adapter for the agent framework `{name.partition('.')[0]}`"
    strict = import_it("strict")
    assert strict.returncode == 1 and "runs" not in strict.stdout
    assert f"AutoloadError: faramesh: {unknown}" in strict.stderr
    lenient = import_it("1")
    assert lenient.returncode == 0 and "runs" in lenient.stdout, lenient.stderr
    assert f"does NOT govern: {unknown}" in lenient.stderr
