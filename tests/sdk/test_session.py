"""Sessions, stages, completion and agents that work together, against a real daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from faramesh import GovernedToolSet, Session, ToolDeniedException, Unmet
from stack import Stack

POLICY = """
runtime { allow_self_declared_identity = true }

agent "lead" {
  default deny
  rules {
    permit look if purpose("visit")
    permit write
  }
  phase "reading" { permit look }
  phase "writing" { permit look permit write }
  completion_gate { require called "write" }
  spawn { allow = ["worker"] max_concurrent = 1 }
  delegate worker { scope = ["look"] ttl = 10m }
}

agent "worker" {
  default deny
  rules { permit look permit write }
}
"""


def look() -> str:
    return "seen"


def write() -> str:
    return "written"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path, POLICY)
    running.start()
    yield running
    running.stop()


def tools(stack: Stack, agent: str, **options: str) -> dict[str, object]:
    return {
        tool.__name__: tool
        for tool in GovernedToolSet([look, write], agent_id=agent, socket=stack.socket, **options)
    }


def denied(call: object) -> ToolDeniedException:
    with pytest.raises(ToolDeniedException) as caught:
        call()  # type: ignore[operator]
    return caught.value


def test_a_session_goes_its_way(stack: Stack) -> None:
    session = Session("s-1", agent_id="lead", socket=stack.socket)
    mine = tools(stack, "lead", session_id="s-1")
    assert denied(mine["look"]).code == "POLICY_DENY"
    session.declare_purpose("visit")
    assert mine["look"]() == "seen"  # type: ignore[operator]
    assert denied(mine["write"]).code == "PHASE_DENIED"
    unmet = denied(session.complete)
    assert unmet.code == "COMPLETION_BLOCKED"
    assert isinstance(unmet.resolution, Unmet)
    assert unmet.resolution.requirements == ('called "write"',)
    session.enter_phase("writing")
    assert mine["write"]() == "written"  # type: ignore[operator]
    session.complete("the letter")
    with pytest.raises(ToolDeniedException, match="forwards"):
        session.enter_phase("reading")


def test_authority_is_handed_on_and_taken_back(stack: Stack) -> None:
    session = Session(agent_id="lead", socket=stack.socket)
    assert session.id.startswith("session-")
    delegation = session.delegate("worker", scope=["look"], ttl_seconds=60)
    assert delegation.token.startswith("dlg-") and delegation.expires_at.endswith("Z")
    worker = tools(stack, "worker", delegation=delegation.token)
    assert worker["look"]() == "seen"  # type: ignore[operator]
    assert denied(worker["write"]).code == "DELEGATION_DENIED"
    session.revoke(delegation)
    assert denied(worker["look"]).code == "DELEGATION_DENIED"
    assert denied(lambda: session.delegate("nobody")).code == "DELEGATION_DENIED"


def test_a_started_agent_makes_room_when_it_ends(stack: Stack) -> None:
    async def both() -> None:
        session = Session("s-2", agent_id="lead", socket=stack.socket)
        first = await session.aspawn("worker")
        with pytest.raises(ToolDeniedException) as caught:
            await session.aspawn("worker")
        assert caught.value.code == "SPAWN_DENIED"
        first.ended()
        for _ in range(100):
            try:
                await session.aspawn("worker")
                break
            except ToolDeniedException:
                await asyncio.sleep(0.05)
        else:
            raise AssertionError("the end of the first was never seen")
        await session.adeclare_purpose("visit")
        await session.aenter_phase("writing")
        with pytest.raises(ToolDeniedException):
            await session.acomplete()
        await session.arevoke(await session.adelegate("worker"))

    asyncio.run(both())
