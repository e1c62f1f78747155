"""LangChain tools and LangGraph agents of this SDK against a real daemon."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faramesh import GovernedToolSet, ToolDeferredException, ToolDeniedException
from langchain.agents import create_agent
from langchain_core.tools import BaseTool, tool
from pydantic import Field
from stack import Stack

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "langgraph-refund"


def load_scripted_model() -> Any:
    spec = importlib.util.spec_from_file_location("scripted", EXAMPLE / "scripted_model.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scripted"] = module
    spec.loader.exec_module(module)
    return module


scripted = load_scripted_model()


class Refund(BaseTool):
    name: str = "refund"
    description: str = "Give money back."
    metadata: dict[str, Any] | None = Field({"governed_name": "stripe/refund"})

    def _run(self, amount: int) -> str:
        return f"refunded {amount}"


@tool("refund")
def refund_function(amount: int) -> str:
    """Give money back."""
    return f"refunded {amount}"


@tool("refund")
async def refund_coroutine(amount: int) -> str:
    """Give money back."""
    return f"refunded {amount}"


def govern(original: BaseTool, **options: Any) -> GovernedToolSet:
    names = {"refund": "stripe/refund"}
    return GovernedToolSet([original], agent_id="support-bot", names=names, **options)


def run_agent(tools: GovernedToolSet, *amounts: int) -> list[str]:
    lines = [scripted.says("", "refund", amount=amount) for amount in amounts]
    agent = create_agent(scripted.ScriptedModel(lines=[*lines, scripted.says("done")]), tools)
    out = asyncio.run(agent.ainvoke({"messages": [("user", "hello")]}))
    return [str(m.content) for m in out["messages"] if m.type == "tool"]


@pytest.mark.parametrize("original", [Refund(), refund_function])
def test_a_langchain_tool(stack: Stack, original: BaseTool) -> None:
    refund = govern(original).refund
    assert refund.invoke({"amount": 80}) == "refunded 80"
    with pytest.raises(ToolDeniedException, match="go through finance"):
        refund.invoke({"amount": 20_000})
    with pytest.raises(ToolDeferredException) as caught:
        refund.invoke({"amount": 8000})
    stack.approve(caught.value.approval_id)
    assert asyncio.run(refund.ainvoke({"amount": 8000})) == "refunded 8000"
    with pytest.raises(ToolDeferredException):
        refund.invoke({"amount": 8000})


@pytest.mark.parametrize("original", [Refund(), refund_function, refund_coroutine])
def test_in_a_langgraph_agent(stack: Stack, original: BaseTool) -> None:
    assert run_agent(govern(original), 80, 81) == ["refunded 80", "refunded 81"]
    with pytest.raises(ToolDeferredException) as caught:
        run_agent(govern(original), 8000)
    stack.approve(caught.value.approval_id)
    tools = govern(original, on_defer="return", on_deny="return")
    first, second, third = run_agent(tools, 8000, 8000, 20_000)
    assert first == "refunded 8000"
    assert "needs a person" in second or "need a person" in second
    assert "go through finance" in third


def test_the_example_tells_its_story(stack: Stack, tmp_path: Path) -> None:
    def play(script: str, *options: str) -> str:
        done = subprocess.run(
            [sys.executable, "agent.py", script, *options],
            cwd=EXAMPLE,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert max(map(len, done.stdout.splitlines())) <= 100
        return done.stdout

    waiting = tmp_path / "approvals"
    told = play("first", "--approval-file", str(waiting))
    (approval,) = waiting.read_text().split()
    assert approval in told
    assert "payouts are made by finance, never by an agent" in told
    stack.approve(approval)
    assert "refunded $8,000" in play("retry")
    assert stack.command("audit", "verify")


def test_the_example_is_governed_by_its_own_policy(make_stack: Any, monkeypatch: Any) -> None:
    stack = make_stack((EXAMPLE / "governance.fms").read_text())
    monkeypatch.setenv("FARAMESH_SOCKET", str(stack.socket))
    assert govern(refund_function).refund.invoke({"amount": 80}) == "refunded 80"
    with pytest.raises(ToolDeferredException):
        govern(refund_function).refund.invoke({"amount": 8000})
