"""The transport to a local daemon: a small pool of kept-open Unix sockets.

Safe to share between threads, event loops and forked children. A request whose
connection is lost is sent once more on a new one: the daemon answers a repeated
``call_id`` with the decision it already made, so nothing is decided twice.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import logging
import os
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Any

from .arguments import encode_json
from .connection import Connection, ConnectionLost
from .exceptions import DaemonProtocolError, DaemonTimeout, DaemonUnreachable
from .problems import about, cannot_send
from .settings import find_socket, timeout_seconds
from .wire import MAX_LINE_BYTES, protocol_error

__all__ = ["UnixSocketTransport"]

logger = logging.getLogger("faramesh")

_MAX_OPEN = 64
_MAX_IDLE = 8
_TELL_SECONDS = 0.05
_LOST = (ConnectionLost, BrokenPipeError, ConnectionResetError)


class UnixSocketTransport:
    """Talks to the daemon at ``socket``, else where the environment says it is.

    At most 64 requests are under way at once and 8 connections are kept open; more
    wait their turn within their own time limit. ``timeout`` is in seconds.
    """

    def __init__(
        self, socket: str | os.PathLike[str] | None = None, *, timeout: float | None = None
    ) -> None:
        self.address = find_socket(socket)
        self.timeout = timeout_seconds(timeout)
        self._ids = itertools.count(1)
        self._idle: list[Connection] = []
        self._slots = threading.BoundedSemaphore(_MAX_OPEN)
        self._poll_slots = threading.BoundedSemaphore(_MAX_OPEN)
        # At most one connection, apart from the others: an outcome must not hold up a call.
        self._teller: list[Connection] = []
        self._telling = threading.Lock()
        self._process = os.getpid()
        weakref.finalize(self, _close_all, self._idle)
        weakref.finalize(self, _close_all, self._teller)

    def __repr__(self) -> str:
        return f"UnixSocketTransport({self.address.path!r})"

    def close(self) -> None:
        """Close the open connections; the transport can still be used."""
        _close_all(self._idle)
        _close_all(self._teller)

    def request(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]:
        deadline = time.monotonic() + (timeout or self.timeout)
        request_id, line = self._encode(method, params)
        slots = self._slots_for(method)
        if not slots.acquire(timeout=timeout or self.timeout):
            raise self._timed_out(params, "waited for a free connection")
        try:
            for tries_left in (1, 0):
                connection = self._take()
                try:
                    connection.connect(self.address.path, deadline)
                    reply = connection.exchange(line, request_id, deadline)
                except BaseException as problem:
                    connection.close()
                    if tries_left and isinstance(problem, _LOST):
                        continue
                    raise self._explained(problem, params) from _cause(problem)
                self._give_back(connection)
                return _result(reply, params)
            raise AssertionError("the second try returns or raises")
        finally:
            slots.release()

    async def arequest(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]:
        deadline = time.monotonic() + (timeout or self.timeout)
        request_id, line = self._encode(method, params)
        slots = self._slots_for(method)
        pause = 0.001
        while not slots.acquire(blocking=False):
            if time.monotonic() >= deadline:
                raise self._timed_out(params, "waited for a free connection")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.02)
        try:
            for tries_left in (1, 0):
                connection = self._take()
                try:
                    reply = await asyncio.wait_for(
                        self._aexchange(connection, line, request_id),
                        max(deadline - time.monotonic(), 0.001),
                    )
                except BaseException as problem:
                    connection.close()
                    if tries_left and isinstance(problem, _LOST):
                        continue
                    raise self._explained(problem, params) from _cause(problem)
                self._give_back(connection)
                return _result(reply, params)
            raise AssertionError("the second try returns or raises")
        finally:
            slots.release()

    async def _aexchange(
        self, connection: Connection, line: bytes, request_id: int
    ) -> Mapping[str, Any]:
        await connection.aconnect(self.address.path)
        return await connection.aexchange(line, request_id)

    def tell(self, method: str, params: Mapping[str, Any]) -> None:
        _, line = self._encode(method, params)
        self._slots_for(method)
        with self._telling:
            teller = self._teller.pop() if self._teller else None
            if teller is not None and (replies := teller.settle()) is not None:
                for reply in replies:
                    if b'"error"' in reply:
                        logger.warning("the daemon refused the report of an outcome")
            elif teller is not None:
                teller.close()
                teller = None
            teller = teller or Connection()
            try:
                # A daemon that is busy for a moment still gets the report; one that hangs costs little.
                deadline = time.monotonic() + _TELL_SECONDS
                teller.connect(self.address.path, deadline)
                teller.tell(line, deadline)
            except BaseException as problem:
                teller.close()
                raise self._explained(problem, params) from _cause(problem)
            self._teller.append(teller)

    def _encode(self, method: str, params: Mapping[str, Any]) -> tuple[int, bytes]:
        request_id = next(self._ids)
        message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        try:
            line = encode_json(message).encode("utf-8") + b"\n"
        except (UnicodeEncodeError, RecursionError, ValueError):
            raise cannot_send("the arguments have no JSON form", params) from None
        if len(line) > MAX_LINE_BYTES:
            raise cannot_send("the arguments are larger than 1 MiB", params)
        return request_id, line

    def _slots_for(self, method: str) -> threading.BoundedSemaphore:
        # A forked child must not read replies that were meant for its parent.
        if self._process != os.getpid():
            self._process = os.getpid()
            self._slots = threading.BoundedSemaphore(_MAX_OPEN)
            self._poll_slots = threading.BoundedSemaphore(_MAX_OPEN)
            self._telling = threading.Lock()
            self.close()
        # Calls that wait for a person must not keep others from being decided.
        return self._poll_slots if method == "poll_defer" else self._slots

    def _take(self) -> Connection:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return Connection()
            if connection.is_usable():
                return connection
            connection.close()

    def _give_back(self, connection: Connection) -> None:
        if len(self._idle) < _MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _explained(self, problem: BaseException, params: Mapping[str, Any]) -> BaseException:
        if isinstance(problem, DaemonProtocolError):
            return about(problem, params)
        if isinstance(problem, (TimeoutError, asyncio.TimeoutError)):
            return self._timed_out(params, "no answer")
        if isinstance(problem, OSError):
            return self._unreachable(problem, params)
        return problem

    def _unreachable(self, problem: OSError, params: Mapping[str, Any]) -> DaemonUnreachable:
        what = {
            errno.ENOENT: "there is no socket",
            errno.ECONNREFUSED: "nobody listens there",
            errno.EACCES: "this user may not open it",
        }.get(problem.errno or 0, problem.strerror or str(problem))
        error = DaemonUnreachable(
            code="DAEMON_UNREACHABLE",
            human_message=(
                f"cannot reach the Faramesh daemon at `{self.address.path}` "
                f"(from {self.address.source}): {what}; the tool was not run. "
                "Start the daemon with `faramesh dev` or `faramesh apply`, or set FARAMESH_SOCKET"
            ),
            retryable=True,
        )
        return about(error, params)

    def _timed_out(self, params: Mapping[str, Any], what: str) -> DaemonTimeout:
        error = DaemonTimeout(
            code="DAEMON_TIMEOUT",
            human_message=(
                f"the Faramesh daemon at `{self.address.path}` did not decide in time ({what}); "
                "the tool was not run. See `faramesh status`; FARAMESH_TIMEOUT_MS sets the limit"
            ),
            retryable=True,
        )
        return about(error, params)


def _result(reply: Mapping[str, Any], params: Mapping[str, Any]) -> Mapping[str, Any]:
    if (error := reply.get("error")) is not None:
        fields = error if isinstance(error, Mapping) else {}
        message = f"{fields.get('message', 'no reason')} ({fields.get('code', 'no code')})"
        raise about(protocol_error(f"the daemon refused the request: {message}"), params)
    result = reply.get("result")
    if not isinstance(result, Mapping):
        raise about(protocol_error("the reply has no result"), params)
    return result


def _cause(problem: BaseException) -> BaseException | None:
    return problem if isinstance(problem, OSError) else None


def _close_all(connections: list[Connection]) -> None:
    while True:
        try:
            connections.pop().close()
        except IndexError:
            return
