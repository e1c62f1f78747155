"""The shared vectors of `sdk/conformance`, which the TypeScript SDK and the daemon pass too."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fake_peer import FakePeer

from faramesh import (
    ArgumentsInvalid,
    DaemonProtocolError,
    GovernedToolSet,
    ToolDeferredException,
    ToolDeniedException,
)
from faramesh.arguments import encode_json, to_json_value
from faramesh.wire import Call, Permit, parse_approval, parse_decision

FOLDER = Path(__file__).resolve().parents[2] / "conformance"


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


CALLS, REPLIES, ERRORS = read("calls.json"), read("replies.json"), read("errors.json")


def named(vectors: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("vector", vectors, ids=lambda vector: vector["name"])


def exact(text: str) -> Any:
    """The value of a JSON text, without rounding."""
    return json.loads(text, parse_float=Decimal)


@named(CALLS["calls"])
def test_a_call(vector: dict[str, Any]) -> None:
    canonical: str = vector["canonical"]
    sent = encode_json(to_json_value(exact(vector["args"])))
    assert exact(sent) == exact(canonical)
    assert hashlib.sha256(canonical.encode()).hexdigest() == vector["sha256"]


@named(CALLS["invalid"])
def test_what_is_not_sent(vector: dict[str, Any], start_peer: Callable[..., FakePeer]) -> None:
    peer = start_peer()

    def tool(**arguments: Any) -> None:
        raise AssertionError("it ran")

    tools = GovernedToolSet([tool], socket=peer.path)
    with pytest.raises(ArgumentsInvalid):
        tools.tool(**json.loads(vector["args"]))
    assert peer.requests == []


@named(REPLIES["replies"])
def test_a_reply(vector: dict[str, Any]) -> None:
    expect = dict(vector["expect"])
    kind, resolution = expect.pop("kind"), expect.pop("resolution", None)
    call = Call(REPLIES["call"]["tool"], {}, REPLIES["call"]["call_id"])
    met: Permit | ToolDeniedException
    try:
        met = parse_decision(vector["result"], call)
    except ToolDeniedException as denial:
        met = denial
    warnings = expect.pop("warnings", None)
    for member, value in expect.items():
        assert getattr(met, member) == value, member
    if isinstance(met, Permit):
        assert kind == "permit"
        assert [{"code": w.code, "message": w.message} for w in met.warnings] == warnings
        return
    assert isinstance(met, DaemonProtocolError) == (kind == "protocol_error")
    assert isinstance(met, ToolDeferredException) == (kind == "defer")
    assert dict(met.resolution) == (resolution or {})
    for field, value in (resolution or {}).items():
        typed = getattr(met.resolution, field, value)
        assert list(typed) == value if isinstance(value, list) else typed == value


@named(ERRORS["errors"])
def test_instead_of_a_decision(vector: dict[str, Any], start_peer: Callable[..., FakePeer]) -> None:
    def answer(peer: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        if vector.get("close"):
            connection.shutdown(socket.SHUT_RDWR)
        elif "line" in vector:
            connection.sendall(vector["line"].encode() + b"\n")
        elif reply := vector.get("reply"):
            ids = {"ID": request["id"], "AS TEXT": str(request["id"])}
            line = {**reply, "id": ids.get(reply["id"], reply["id"])}
            connection.sendall(json.dumps(line).encode() + b"\n")

    def tool() -> None:
        raise AssertionError("it ran")

    peer, timeout = start_peer(answer), 0.2 if vector["code"] == "DAEMON_TIMEOUT" else 10.0
    tools = GovernedToolSet([tool], socket=peer.path, timeout=timeout, on_deny="return")
    with pytest.raises(ToolDeniedException) as caught:
        tools.tool()
    assert caught.value.code == vector["code"]


@pytest.mark.parametrize("poll", ERRORS["polls"], ids=lambda poll: poll["status"])
def test_a_word_of_poll_defer(poll: dict[str, str]) -> None:
    assert parse_approval({"status": poll["status"]}).status == poll["reads"]
