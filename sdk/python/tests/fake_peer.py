"""A FAKE daemon for unit tests of the transport: it decides nothing.

It reads request lines and does what the test's function says with the open socket.
The real daemon is met in ``tests/sdk`` of the repository.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = Callable[["FakePeer", socket.socket, dict[str, Any]], None]


def permit(peer: FakePeer, connection: socket.socket, request: dict[str, Any]) -> None:
    """The default answer: a permit that echoes the call."""
    reply(connection, request, permit_result(request))


def permit_result(request: dict[str, Any]) -> dict[str, Any]:
    if request["method"] != "govern":
        return {}
    return {
        "effect": "PERMIT",
        "action_id": f"dpr-{request['id']}",
        "call_id": request["params"]["call_id"],
    }


def reply(connection: socket.socket, request: dict[str, Any], result: dict[str, Any]) -> None:
    line = {"jsonrpc": "2.0", "id": request["id"], "result": result}
    connection.sendall(json.dumps(line).encode() + b"\n")


class FakePeer:
    """Listens on ``path``; ``requests`` holds what came in, ``connections`` how many."""

    def __init__(self, path: Path, answer: Answer = permit) -> None:
        self.path = path
        self.answer = answer
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(128)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def of(self, method: str) -> list[dict[str, Any]]:
        return [request for request in self.requests if request["method"] == method]

    def hang_up(self) -> None:
        """Close every connection that is open now; keep listening."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink(missing_ok=True)
        self.hang_up()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                request = json.loads(line)
                with self._lock:
                    self.requests.append(request)
                # A client that has gone reads no reply, and what it sent before still counts.
                with contextlib.suppress(OSError):
                    self.answer(self, connection, request)
        with self._lock:
            self._open.remove(connection)
