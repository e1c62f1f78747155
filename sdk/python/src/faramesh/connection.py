"""One open line to the daemon: newline-delimited JSON-RPC over a Unix socket.

The socket is non-blocking, so the same connection serves threads and event loops,
one request at a time. Every wait has a deadline and every read a limit.
"""

from __future__ import annotations

import asyncio
import json
import select
import socket
import time
from collections.abc import Mapping
from typing import Any

from .exceptions import DaemonProtocolError
from .wire import MAX_LINE_BYTES, protocol_error

__all__ = ["Connection", "ConnectionLost"]

_MAX_FOREIGN_LINES = 64
_CHUNK_BYTES = 64 * 1024


class ConnectionLost(OSError):
    """The daemon closed the connection before it answered."""


class Connection:
    """A connected socket and the bytes read past the last reply."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        # poll, not select: an agent may hold more than 1024 files.
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)
        self._buffer = bytearray()
        self._connected = False

    def close(self) -> None:
        self._socket.close()

    def is_usable(self) -> bool:
        """False if the daemon hung up, or said something nobody asked for, since last use."""
        return not self._buffer and not self._ready(select.POLLIN, 0)

    def connect(self, path: str, deadline: float) -> None:
        while not self._try_connect(path):
            _remaining(deadline)
            time.sleep(0.001)

    async def aconnect(self, path: str) -> None:
        while not self._try_connect(path):
            await asyncio.sleep(0.001)

    def _try_connect(self, path: str) -> bool:
        if not self._connected:
            try:
                self._socket.connect(path)
            except BlockingIOError:
                # On a Unix socket this is a full backlog, not a connect in progress.
                return False
            self._connected = True
        return True

    def exchange(self, line: bytes, request_id: int, deadline: float) -> Mapping[str, Any]:
        """Send one line and wait for the reply with its id. Raises ``TimeoutError``."""
        self._send(line, deadline)
        for _ in range(_MAX_FOREIGN_LINES):
            while (found := self._take_line()) is None:
                self._wait(select.POLLIN, deadline)
                self._receive()
            if (reply := _reply_for(found, request_id)) is not None:
                return reply
        raise protocol_error("the daemon answered everything but the question")

    async def aexchange(self, line: bytes, request_id: int) -> Mapping[str, Any]:
        """As :meth:`exchange`, on the running event loop; the caller sets the time limit."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, line)
        for _ in range(_MAX_FOREIGN_LINES):
            while (found := self._take_line()) is None:
                self._append(await loop.sock_recv(self._socket, _CHUNK_BYTES))
            if (reply := _reply_for(found, request_id)) is not None:
                return reply
        raise protocol_error("the daemon answered everything but the question")

    def tell(self, line: bytes, deadline: float) -> None:
        """Send one line; its reply is left for :meth:`settle`. Raises ``TimeoutError``."""
        self._send(line, deadline)

    def _send(self, line: bytes, deadline: float) -> None:
        view = memoryview(line)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline)

    def settle(self) -> list[bytes] | None:
        """The lines that came in meanwhile; ``None`` once the daemon has hung up."""
        lines = []
        try:
            for _ in range(_MAX_FOREIGN_LINES):
                if not self._ready(select.POLLIN, 0):
                    break
                self._receive()
                while (line := self._take_line()) is not None:
                    lines.append(line)
        except (OSError, DaemonProtocolError):
            return None
        return lines

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > MAX_LINE_BYTES:
                raise protocol_error("the reply is longer than 1 MiB")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        if len(line) > MAX_LINE_BYTES:
            raise protocol_error("the reply is longer than 1 MiB")
        return line

    def _receive(self) -> None:
        try:
            self._append(self._socket.recv(_CHUNK_BYTES))
        except BlockingIOError:
            return

    def _append(self, data: bytes) -> None:
        if not data:
            raise ConnectionLost("the daemon closed the connection before it answered")
        self._buffer += data

    def _wait(self, event: int, deadline: float) -> None:
        if not self._ready(event, _remaining(deadline)):
            raise TimeoutError

    def _ready(self, event: int, seconds: float) -> bool:
        poller = self._readable
        if event != select.POLLIN:
            poller = select.poll()
            poller.register(self._socket, event)
        return bool(poller.poll(seconds * 1000))


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _reply_for(line: bytes, request_id: int) -> Mapping[str, Any] | None:
    """The parsed line if it answers ``request_id``; ``None`` for other ids and notifications."""
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError):
        raise protocol_error("the reply is not JSON") from None
    if not isinstance(reply, dict):
        raise protocol_error("the reply is not a JSON object")
    reply_id = reply.get("id")
    if reply_id is None and "error" in reply:
        return reply
    return reply if type(reply_id) is int and reply_id == request_id else None
