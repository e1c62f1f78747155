"""The transport against a fake peer that misbehaves in every way a peer can."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fake_peer import FakePeer, permit, permit_result, reply

from faramesh import (
    ArgumentsInvalid,
    DaemonProtocolError,
    DaemonTimeout,
    DaemonUnreachable,
    UnixSocketTransport,
)

StartPeer = Callable[..., FakePeer]
PARAMS = {"tool": "stripe/refund", "args": {"amount": 80}, "call_id": "call-1"}


def ask_sync(transport: UnixSocketTransport, params: dict[str, Any] = PARAMS) -> Any:
    return transport.request("govern", params)


def ask_async(transport: UnixSocketTransport, params: dict[str, Any] = PARAMS) -> Any:
    return asyncio.run(transport.arequest("govern", params))


both = pytest.mark.parametrize("ask", [ask_sync, ask_async])


@both
def test_the_request_line_is_what_the_daemon_reads(start_peer: StartPeer, ask: Any) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path)
    assert ask(transport)["effect"] == "PERMIT"
    assert peer.requests == [{"jsonrpc": "2.0", "id": 1, "method": "govern", "params": PARAMS}]
    transport.close()


@both
def test_a_connection_is_kept_and_used_again(start_peer: StartPeer, ask: Any) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path)
    for _ in range(5):
        ask(transport)
    assert peer.connections == 1
    assert [request["id"] for request in peer.requests] == [1, 2, 3, 4, 5]
    transport.close()


@both
def test_a_reply_in_pieces(start_peer: StartPeer, ask: Any) -> None:
    def in_pieces(_: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        line = {"jsonrpc": "2.0", "id": request["id"], "result": permit_result(request)}
        for byte in json.dumps(line).encode() + b"\n":
            connection.sendall(bytes([byte]))
            time.sleep(0.0005)

    assert ask(UnixSocketTransport(start_peer(in_pieces).path))["action_id"] == "dpr-1"


@both
def test_replies_are_matched_by_id(start_peer: StartPeer, ask: Any) -> None:
    def out_of_order(_: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        reply(connection, {"id": 99}, {"effect": "PERMIT", "action_id": "of another call"})
        connection.sendall(b'{"jsonrpc":"2.0","method":"notice","params":{}}\n')
        reply(connection, {"id": True}, {"effect": "PERMIT", "action_id": "id of another type"})
        permit(_, connection, request)

    assert ask(UnixSocketTransport(start_peer(out_of_order).path))["action_id"] == "dpr-1"


@both
@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"this is not json\n", "not JSON"),
        (b"[1, 2]\n", "not a JSON object"),
        (b'{"jsonrpc":"2.0","id":1}\n', "no result"),
        (b'{"jsonrpc":"2.0","id":1,"result":"PERMIT"}\n', "no result"),
        (b"[" * 200_000 + b"\n", "not JSON"),
        (b'{"id":7}\n' * 100, "everything but the question"),
        (b'"' + b"x" * (1024 * 1024) + b'"\n', "longer than 1 MiB"),
        (b"y" * (1024 * 1024 + 100_000), "longer than 1 MiB"),
        (b'{"id":1,"error":{"code":-32600,"message":"no such method"}}\n', "no such method"),
        (b'{"id":null,"error":{"code":-32700,"message":"parse error"}}\n', "parse error"),
        (b'{"id":1,"error":"out of paper"}\n', "refused the request"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_reply_that_cannot_be_trusted_fails_closed(
    start_peer: StartPeer, ask: Any, line: bytes, words: str
) -> None:
    def say(_: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        connection.sendall(line)

    transport = UnixSocketTransport(start_peer(say).path, timeout=5)
    with pytest.raises(DaemonProtocolError, match=words) as caught:
        ask(transport)
    assert caught.value.code == "DAEMON_PROTOCOL_ERROR"
    assert caught.value.tool == "stripe/refund"
    transport.close()


@both
def test_after_garbage_the_next_request_is_on_a_new_connection(
    start_peer: StartPeer, ask: Any
) -> None:
    def first_garbage(peer: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        if len(peer.requests) == 1:
            connection.sendall(b"garbage\n")
        else:
            permit(peer, connection, request)

    peer = start_peer(first_garbage)
    transport = UnixSocketTransport(peer.path)
    with pytest.raises(DaemonProtocolError):
        ask(transport)
    assert ask(transport)["effect"] == "PERMIT"
    assert peer.connections == 2
    transport.close()


@both
def test_a_slow_daemon_is_a_timeout_and_its_late_reply_is_never_read(
    start_peer: StartPeer, ask: Any
) -> None:
    def slow_once(peer: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        if len(peer.requests) == 1:
            time.sleep(0.4)
        permit(peer, connection, request)

    transport = UnixSocketTransport(start_peer(slow_once).path, timeout=0.1)
    started = time.monotonic()
    with pytest.raises(DaemonTimeout) as caught:
        ask(transport)
    assert time.monotonic() - started < 0.35
    assert caught.value.code == "DAEMON_TIMEOUT"
    assert isinstance(caught.value, DaemonUnreachable)
    assert ask(transport)["action_id"] == "dpr-2"
    transport.close()


@both
def test_a_daemon_that_restarted_is_asked_once_more_with_the_same_call(
    start_peer: StartPeer, ask: Any
) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path)
    ask(transport)
    peer.hang_up()
    time.sleep(0.05)
    assert ask(transport)["effect"] == "PERMIT"
    assert peer.connections == 2
    transport.close()


@both
def test_a_connection_lost_in_mid_call_is_tried_once_more_only(
    start_peer: StartPeer, ask: Any
) -> None:
    def close(_: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        connection.shutdown(socket.SHUT_RDWR)

    peer = start_peer(close)
    with pytest.raises(DaemonUnreachable, match="closed the connection"):
        ask(UnixSocketTransport(peer.path))
    assert [request["params"]["call_id"] for request in peer.requests] == ["call-1", "call-1"]


@both
def test_no_daemon_says_where_and_what_to_do(tmp_path: Any, ask: Any) -> None:
    with pytest.raises(DaemonUnreachable) as caught:
        ask(UnixSocketTransport(tmp_path / "none.sock"))
    assert caught.value.code == "DAEMON_UNREACHABLE"
    text = str(caught.value)
    assert str(tmp_path / "none.sock") in text
    assert "faramesh dev" in text
    assert "not run" in text


@both
def test_a_stale_socket_file(tmp_path: Any, ask: Any) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "stale.sock"))
    with pytest.raises(DaemonUnreachable, match="nobody listens"):
        ask(UnixSocketTransport(tmp_path / "stale.sock"))


@both
def test_arguments_over_one_mebibyte_are_not_sent(start_peer: StartPeer, ask: Any) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path)
    with pytest.raises(ArgumentsInvalid, match="1 MiB"):
        ask(transport, {**PARAMS, "args": {"text": "x" * 1024 * 1024}})
    assert peer.requests == []
    large = {**PARAMS, "args": {"text": "x" * 1_000_000}}
    assert ask(transport, large)["effect"] == "PERMIT"
    transport.close()


def test_fifty_threads_share_one_transport(start_peer: StartPeer) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path, timeout=30)
    wrong: list[str] = []

    def work(number: int) -> None:
        for turn in range(20):
            call_id = f"{number}-{turn}"
            if ask_sync(transport, {**PARAMS, "call_id": call_id})["call_id"] != call_id:
                wrong.append(call_id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len({r["params"]["call_id"] for r in peer.requests}) == len(peer.requests) == 1000
    assert peer.connections <= 1000
    assert len(transport._idle) <= 8
    transport.close()


def test_a_hundred_tasks_share_one_transport(start_peer: StartPeer) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path, timeout=30)

    async def work() -> list[Any]:
        calls = ({**PARAMS, "call_id": str(number)} for number in range(100))
        return await asyncio.gather(*(transport.arequest("govern", call) for call in calls))

    assert [r["call_id"] for r in asyncio.run(work())] == [str(n) for n in range(100)]
    assert len(peer.requests) == 100
    transport.close()


def test_waiting_for_a_reply_leaves_the_event_loop_free(start_peer: StartPeer) -> None:
    def slow(peer: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        time.sleep(0.3)
        permit(peer, connection, request)

    transport = UnixSocketTransport(start_peer(slow).path)

    async def work() -> int:
        ticks = 0
        pending = asyncio.ensure_future(transport.arequest("govern", PARAMS))
        while not pending.done():
            ticks += 1
            await asyncio.sleep(0.01)
        await pending
        return ticks

    assert asyncio.run(work()) > 10
    transport.close()


def test_long_polls_do_not_keep_calls_from_being_decided(start_peer: StartPeer) -> None:
    release = threading.Event()

    def hold_polls(peer: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        if request["method"] == "poll_defer":
            release.wait(10)
        permit(peer, connection, request)

    peer = start_peer(hold_polls)
    transport = UnixSocketTransport(peer.path, timeout=5)

    async def work() -> None:
        polls = [
            asyncio.ensure_future(transport.arequest("poll_defer", {"defer_token": "apr-1"}))
            for _ in range(64)
        ]
        while len(peer.requests) < 64:
            await asyncio.sleep(0.01)
        assert (await transport.arequest("govern", PARAMS))["effect"] == "PERMIT"
        release.set()
        await asyncio.gather(*polls)

    asyncio.run(work())
    transport.close()


def test_a_cancelled_request_does_not_leave_its_reply_for_the_next(start_peer: StartPeer) -> None:
    def slow_once(peer: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        if len(peer.requests) == 1:
            time.sleep(0.2)
        permit(peer, connection, request)

    transport = UnixSocketTransport(start_peer(slow_once).path)

    async def work() -> Any:
        pending = asyncio.ensure_future(transport.arequest("govern", PARAMS))
        await asyncio.sleep(0.05)
        pending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pending
        return await transport.arequest("govern", PARAMS)

    assert asyncio.run(work())["action_id"] == "dpr-2"
    transport.close()


def test_a_forked_child_does_not_share_connections(start_peer: StartPeer) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path)
    ask_sync(transport)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if ask_sync(transport)["effect"] == "PERMIT" else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ask_sync(transport)["effect"] == "PERMIT"
    assert peer.connections == 2
    transport.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_an_outcome_is_told_on_a_connection_of_its_own(start_peer: StartPeer) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path)
    ask_sync(transport)
    for number in range(5):
        transport.tell("outcome", {"action_id": f"dpr-{number}", "status": "ok"})
    wait_for(lambda: len(peer.of("outcome")) == 5)
    assert peer.connections == 2
    transport.close()


def test_an_outcome_told_just_before_the_end_still_arrives(start_peer: StartPeer) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path)
    transport.tell("outcome", {"action_id": "dpr-1", "status": "ok"})
    transport.close()
    wait_for(lambda: len(peer.of("outcome")) == 1)


def test_telling_survives_a_restart_of_the_daemon(start_peer: StartPeer) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path)
    transport.tell("outcome", {"action_id": "dpr-1", "status": "ok"})
    wait_for(lambda: len(peer.of("outcome")) == 1)
    peer.hang_up()
    transport.tell("outcome", {"action_id": "dpr-2", "status": "ok"})
    wait_for(lambda: len(peer.of("outcome")) == 2)
    transport.close()
    with pytest.raises(DaemonUnreachable):
        UnixSocketTransport("/nowhere/faramesh.sock").tell("outcome", {"action_id": "dpr-1"})


def test_telling_never_waits_for_a_daemon_that_does_not_read(start_peer: StartPeer) -> None:
    release = threading.Event()

    def stuck(peer: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        release.wait(10)

    transport = UnixSocketTransport(start_peer(stuck).path)
    started = time.monotonic()
    refused = 0
    for number in range(5000):
        try:
            transport.tell("outcome", {"action_id": f"dpr-{number}", "status": "ok"})
        except DaemonUnreachable:
            refused += 1
    assert time.monotonic() - started < 5
    assert refused > 0
    release.set()
    transport.close()


def test_a_refused_outcome_is_logged(
    start_peer: StartPeer, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(peer: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
        line = {"id": request["id"], "error": {"code": -32602, "message": "no such record"}}
        connection.sendall(json.dumps(line).encode() + b"\n")

    peer = start_peer(refuse)
    transport = UnixSocketTransport(peer.path)
    transport.tell("outcome", {"action_id": "dpr-1", "status": "ok"})
    wait_for(lambda: len(peer.requests) == 1)
    time.sleep(0.05)
    transport.tell("outcome", {"action_id": "dpr-2", "status": "ok"})
    assert "refused the report of an outcome" in caplog.text
    transport.close()


def test_a_forgotten_transport_closes_its_connections(start_peer: StartPeer) -> None:
    peer = start_peer()
    transport = UnixSocketTransport(peer.path)
    ask_sync(transport)
    (connection,) = transport._idle
    del transport
    gc.collect()
    assert connection._socket.fileno() == -1
