from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_peer import Answer, FakePeer, permit


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may find a daemon that happens to run on the machine."""
    for name in ("SOCKET", "AGENT_ID", "SESSION_ID", "TIMEOUT_MS"):
        monkeypatch.delenv(f"FARAMESH_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def start_peer(tmp_path: Path) -> Iterator[Callable[..., FakePeer]]:
    peers: list[FakePeer] = []

    def start(answer: Answer = permit) -> FakePeer:
        peers.append(FakePeer(tmp_path / f"{len(peers)}.sock", answer))
        return peers[-1]

    yield start
    for peer in peers:
        peer.stop()
