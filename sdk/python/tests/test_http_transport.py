"""The transport over HTTP against a FAKE door that answers what the test says.

The real door is met in ``tests/sdk`` of the repository.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from faramesh import (
    ArgumentsInvalid,
    DaemonProtocolError,
    DaemonTimeout,
    DaemonUnreachable,
    GovernedToolSet,
    HttpTransport,
    Session,
)

PERMIT = {"effect": "PERMIT", "action_id": "dpr-1"}
Answer = Callable[["Door", dict[str, Any]], "tuple[int, Any]"]


class Door:
    """A fake door: it decides nothing."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                door.requests.append((self.path, body, dict(self.headers)))
                status, reply = answer(door, body)
                if status == 0:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                text = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", "http://127.0.0.1:9/")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self) -> None:
                self.headers["Content-Length"] = "0"
                self.rfile.read = lambda *_: b"{}"  # type: ignore[method-assign, assignment]
                self.do_POST()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def door(answer: Answer) -> Iterator[Door]:
    opened = Door(answer)
    thread = threading.Thread(target=opened.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        opened.server.shutdown()
        opened.server.server_close()


def permits(_: Door, body: dict[str, Any]) -> tuple[int, Any]:
    return 200, {**PERMIT, "call_id": body.get("call_id", "")}


def tools(opened: Door, moved: list[int], **options: Any) -> GovernedToolSet:
    def refund(amount: int) -> str:
        moved.append(amount)
        return f"refunded {amount}"

    return GovernedToolSet([refund], url=opened.url, token="secret", **options)


def test_a_permit_runs_the_tool_and_its_outcome_is_told() -> None:
    moved: list[int] = []
    with door(permits) as opened:
        assert tools(opened, moved).refund(amount=80) == "refunded 80"
        paths = [path for path, _, _ in opened.requests]
        assert paths == ["/v1/evaluate", "/v1/outcome"]
        assert all(fields["Authorization"] == "Bearer secret" for _, _, fields in opened.requests)
    assert moved == [80]


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (202, PERMIT),
        (403, PERMIT),
        (200, {"effect": "PERMIT"}),
        (200, {"effect": "PERMIT", "action_id": "dpr-1", "call_id": "another"}),
        (200, {"effect": "ALLOW", "action_id": "dpr-1"}),
        (200, [PERMIT]),
        (200, b'{"effect":"PERMIT"'),
        (200, b"x" * (1024 * 1024 + 1)),
        (401, {"effect": "DENY", "code": "IDENTITY_UNVERIFIED"}),
        (500, b"oops"),
        (307, b""),
    ],
)
def test_replies_that_cannot_be_trusted_do_not_permit(status: int, reply: Any) -> None:
    moved: list[int] = []
    with door(lambda _, body: (status, reply)) as opened:
        with pytest.raises(DaemonProtocolError):
            tools(opened, moved).refund(amount=80)
        assert len(opened.requests) == 1
    assert moved == []


@pytest.mark.parametrize("nothing", [(503, b"busy"), (429, b""), (0, b"")])
def test_what_met_no_decision_is_asked_again_with_the_same_call_id(
    nothing: tuple[int, bytes],
) -> None:
    moved: list[int] = []

    def second(opened: Door, body: dict[str, Any]) -> tuple[int, Any]:
        return nothing if len(opened.requests) < 3 else permits(opened, body)

    with door(second) as opened:
        assert tools(opened, moved).refund(amount=80) == "refunded 80"
        asked = [body["call_id"] for path, body, _ in opened.requests if path == "/v1/evaluate"]
        assert len(asked) == 3 and len(set(asked)) == 1
    with door(lambda _, body: nothing) as opened:
        with pytest.raises(DaemonUnreachable):
            tools(opened, moved).refund(amount=81)
        assert len(opened.requests) == 3
    assert moved == [80]


def test_a_door_that_hangs_is_left_in_time() -> None:
    moved: list[int] = []

    def hangs(_: Door, body: dict[str, Any]) -> tuple[int, Any]:
        time.sleep(3)
        return permits(_, body)

    with door(hangs) as opened:
        began = time.monotonic()
        with pytest.raises(DaemonTimeout):
            tools(opened, moved, timeout=0.2).refund(amount=80)
        assert time.monotonic() - began < 2
    assert moved == []


def test_nobody_at_the_address() -> None:
    transport = HttpTransport("http://127.0.0.1:9", timeout=5)
    with pytest.raises(DaemonUnreachable) as caught:
        transport.request("govern", {"tool": "refund", "args": {}, "call_id": "c"})
    assert caught.value.retryable and "http://127.0.0.1:9" in str(caught.value)


def test_many_tasks_of_one_event_loop() -> None:
    with door(permits) as opened:
        transport = HttpTransport(opened.url, token="secret")

        async def ask(number: int) -> Any:
            params = {"tool": "refund", "args": {}, "call_id": f"c-{number}"}
            return await transport.arequest("govern", params)

        async def all_of_them() -> list[Any]:
            return list(await asyncio.gather(*(ask(number) for number in range(50))))

        replies = asyncio.run(all_of_them())
        assert [reply["call_id"] for reply in replies] == [f"c-{number}" for number in range(50)]
        transport.close()


def test_every_question_of_a_session_has_its_path() -> None:
    def answers(opened: Door, body: dict[str, Any]) -> tuple[int, Any]:
        if opened.requests[-1][0] in ("/v1/complete", "/v1/spawn", "/v1/delegate"):
            more = {"delegation": "dlg-1", "expires_at": "2026-11-27T00:00:00.000Z"}
            return 200, {**PERMIT, **more, "call_id": body["call_id"]}
        return 200, {}

    with door(answers) as opened:
        session = Session("s", url=opened.url, token="secret")
        session.declare_purpose("support")
        session.enter_phase("act")
        session.complete()
        session.spawn("worker")
        session.revoke(session.delegate("worker"))
        assert [path for path, _, _ in opened.requests] == [
            "/v1/session/purpose",
            "/v1/session/phase",
            "/v1/complete",
            "/v1/spawn",
            "/v1/delegate",
            "/v1/revoke",
        ]


def test_addresses_that_would_give_a_token_away_or_are_none() -> None:
    for url, token, words in [
        ("http://faramesh.internal", "secret", "https"),
        ("https://user:secret@faramesh.internal", None, "password"),
        ("ftp://faramesh.internal", None, "https"),
        ("faramesh.internal:8443", None, "https"),
        ("https://faramesh.internal", "a b", "token"),
    ]:
        with pytest.raises(ValueError, match=words):
            HttpTransport(url, token=token)


def test_the_environment_names_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FARAMESH_SOCKET", raising=False)
    with door(permits) as opened:
        monkeypatch.setenv("FARAMESH_URL", opened.url)
        monkeypatch.setenv("FARAMESH_TOKEN", "from-the-environment")
        HttpTransport().request("govern", {"tool": "x", "args": {}, "call_id": "c"})
        assert opened.requests[-1][2]["Authorization"] == "Bearer from-the-environment"
        HttpTransport(opened.url).request("govern", {"tool": "x", "args": {}, "call_id": "c"})
        assert "Authorization" not in opened.requests[-1][2], "its token is for its address alone"
        assert "from-the-environment" not in repr(HttpTransport().door)
    monkeypatch.delenv("FARAMESH_URL")
    with pytest.raises(ValueError, match="FARAMESH_URL"):
        HttpTransport()


def test_arguments_that_cannot_be_sent() -> None:
    transport = HttpTransport("http://127.0.0.1:9")
    with pytest.raises(ArgumentsInvalid):
        transport.request("govern", {"tool": "x", "args": {"a": "x" * (1 << 20)}, "call_id": "c"})
