"""``FARAMESH_AUTOLOAD=strict`` on every page's program with its one governed line taken out."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from stack import Stack

from frameworks.table import ROWS, Row, interpreter
from frameworks.test_pages import (
    DENIED,
    PERMITTED,
    environment,
    of,
    program,
    records,
)

# Nothing of a framework is there to patch in a loop of one's own.
PATCHED = dict.fromkeys(row.page for row in ROWS if row.page not in ("functions", "anthropic"))

START = """
import os, runpy, sys
import faramesh
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


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
            env=environment(stack, FARAMESH_AUTOLOAD="strict", FARAMESH_AGENT_ID="support-bot"),
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


def done(python: str, code: str, stack: Stack, autoload: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-c", f"{code}\nprint('runs')"],
        cwd=stack.folder,
        env=environment(stack, FARAMESH_AUTOLOAD=autoload),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize("name", ["agno.agent", "smolagents"])
def test_a_framework_that_nobody_can_patch_is_refused(name: str, stack: Stack) -> None:
    python = interpreter("unknown/current")
    unknown = f"no adapter for the agent framework `{name.partition('.')[0]}`"
    for order in (f"faramesh, {name}", f"{name}, faramesh"):
        strict = done(python, f"import {order}", stack, "strict")
        assert strict.returncode == 1 and "runs" not in strict.stdout
        assert f"AutoloadError: faramesh: {unknown}" in strict.stderr, strict.stderr
    lenient = done(python, f"import faramesh, {name}", stack, "1")
    assert lenient.returncode == 0 and "runs" in lenient.stdout, lenient.stderr
    assert f"does NOT govern: {unknown}" in lenient.stderr


# Each of them runs in the process of the agent, called in a way of its own.
MAKES_TOOLS = """
import faramesh
from agents import ApplyPatchTool, ComputerTool, CustomTool, LocalShellTool, ShellTool
for make in (
    lambda: ApplyPatchTool(editor=None),
    lambda: ComputerTool(computer=print),
    lambda: CustomTool(name="x", description="", on_invoke_tool=print),
    lambda: LocalShellTool(executor=print),
    lambda: ShellTool(executor=print),
):
    try:
        print("made", type(make()).__name__)
    except faramesh.autoload.AutoloadError as problem:
        print(problem)
"""


@of("openai-agents")
def test_a_tool_that_runs_by_ways_of_its_own_is_refused(row: Row, stack: Stack) -> None:
    kinds = ("ApplyPatchTool", "ComputerTool", "CustomTool", "LocalShellTool", "ShellTool")
    problems = [f"a `{kind}` of `agents.tool` runs by ways of its own" for kind in kinds]
    strict = done(row.python, MAKES_TOOLS, stack, "strict")
    assert strict.returncode == 0 and "made" not in strict.stdout, strict.stderr
    assert all(f"faramesh: {problem}" in strict.stdout for problem in problems), strict.stdout
    lenient = done(row.python, MAKES_TOOLS, stack, "1")
    assert all(f"made {kind}" in lenient.stdout for kind in kinds), lenient.stdout
    assert all(f"does NOT govern: {problem}" in lenient.stderr for problem in problems)
