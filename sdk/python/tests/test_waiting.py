"""Waiting for a person while the daemon comes and goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from faramesh import DaemonUnreachable, GovernedToolSet, StubTransport, ToolDeniedException, asking


class Restarting(StubTransport):
    """Out of reach for the first polls, as while a daemon restarts."""

    def __init__(self, outages: int) -> None:
        super().__init__()
        self.outages = outages
        self.polls: list[Mapping[str, Any]] = []

    def request(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]:
        if method == "poll_defer":
            self.polls.append({**params, "timeout": timeout})
            if len(self.polls) <= self.outages:
                raise DaemonUnreachable(code="DAEMON_UNREACHABLE")
            self.approve(str(params["defer_token"]))
        return super().request(method, params, timeout)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "Pause", lambda seconds: original_pause(min(seconds, 0.01)))


original_pause = asking.Pause


def tool() -> str:
    return "ran"


def test_a_restart_of_the_daemon_does_not_end_the_wait() -> None:
    stub = Restarting(outages=3)
    stub.defer()
    assert GovernedToolSet([tool], transport=stub, on_defer="block").tool() == "ran"
    assert len(stub.polls) == 4
    assert stub.polls[-1]["wait_ms"] == 20_000
    assert stub.polls[-1]["timeout"] > 20


def test_a_daemon_that_stays_away_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_OUTAGE_SECONDS", 0.05)
    stub = Restarting(outages=10_000)
    stub.defer()
    with pytest.raises(DaemonUnreachable):
        GovernedToolSet([tool], transport=stub, on_defer="block").tool()


def test_approvals_that_never_help_are_not_waited_for_for_ever() -> None:
    class NeverPermits(Restarting):
        def _govern(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
            self._approvals.clear()
            return super()._govern(params)

    stub = NeverPermits(outages=0)
    stub.defer()
    with pytest.raises(ToolDeniedException):
        GovernedToolSet([tool], transport=stub, on_defer="block").tool()
    assert len(stub.calls) == 8


@pytest.mark.parametrize("status", ["expired", "unknown"])
def test_an_approval_that_lapsed(status: str) -> None:
    class Lapsed(StubTransport):
        def _poll(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"status": status}

    stub = Lapsed().defer()
    with pytest.raises(ToolDeniedException) as caught:
        GovernedToolSet([tool], transport=stub, on_defer="block").tool()
    assert caught.value.code == f"APPROVAL_{status.upper()}"
    assert caught.value.retryable
