"""The fixture that every test here stands on: a real daemon on a stack of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stack import Stack, binary

POLICY = """\
agent "support-bot" {
  default deny
  rules {
    permit knowledgebase/search
    permit stripe/refund if amount < $500
    defer  stripe/refund if amount < $10000 reason "refunds of $500 and more need a person"
    deny   stripe/refund reason "refunds of $10,000 and more go through finance"
    deny   stripe/payouts reason "payouts are made by finance, never by an agent"
    permit refund if amount < $500
    defer  refund if amount < $10000 reason "refunds of $500 and more need a person"
    deny   refund reason "refunds of $10,000 and more go through finance"
    deny!  shell/* reason "no shell, ever"
  }
  redact stripe/refund args: ["card.number"]
}
"""


def pytest_sessionstart(session: pytest.Session) -> None:
    if not binary().is_file():
        pytest.exit(f"no faramesh at `{binary()}`: run `cargo build -p faramesh-cli`", 2)


@pytest.fixture
def make_stack() -> Iterator[Callable[[str], Stack]]:
    """Starts a daemon on the given policy, and stops it after the test."""
    # A Unix socket's path is limited to about 100 bytes, so not below pytest's own folder.
    with tempfile.TemporaryDirectory(prefix="fm-") as folder:
        started: list[Stack] = []

        def make(policy: str = POLICY) -> Stack:
            place = Path(folder) / str(len(started))
            place.mkdir()
            started.append(Stack(place, policy))
            started[-1].start()
            return started[-1]

        try:
            yield make
        finally:
            for stack in started:
                stack.stop()


@pytest.fixture
def stack(make_stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A daemon on POLICY; the SDK in this process finds it by FARAMESH_SOCKET."""
    stack = make_stack()
    for name in ("AGENT_ID", "SESSION_ID", "TIMEOUT_MS"):
        monkeypatch.delenv(f"FARAMESH_{name}", raising=False)
    monkeypatch.setenv("FARAMESH_SOCKET", str(stack.socket))
    return stack
