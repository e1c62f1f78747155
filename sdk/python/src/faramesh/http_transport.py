"""The transport to a daemon elsewhere: its HTTP door, over kept-open connections.

Safe to share between threads, event loops and forked children. A request that met no
decision (no connection, or a gateway's 429, 502, 503, 504) is sent again after a pause,
at most twice, with the same ``call_id``, so nothing is decided twice. No redirect is
followed, and only a 200 can permit.
"""

from __future__ import annotations

import asyncio
import functools
import http.client
import logging
import os
import random
import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlsplit

from .arguments import encode_json
from .exceptions import DaemonTimeout, DaemonUnreachable
from .problems import about, cannot_send
from .settings import Door, find_door, timeout_seconds
from .wire import MAX_LINE_BYTES, protocol_error, read_object

__all__ = ["HttpTransport"]

logger = logging.getLogger("faramesh")

_MAX_OPEN = 64
_MAX_IDLE = 8
_CHUNK_BYTES = 64 * 1024
_TRIES = 3
_FIRST_PAUSE = 0.1
_TELL_SECONDS = 1.0
_WITHOUT_DECISION = frozenset({429, 502, 503, 504})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PATHS = {
    "govern": "/v1/evaluate",
    "outcome": "/v1/outcome",
    "complete": "/v1/complete",
    "spawn": "/v1/spawn",
    "delegate": "/v1/delegate",
    "revoke": "/v1/revoke",
    "session.declare_purpose": "/v1/session/purpose",
    "session.enter_phase": "/v1/session/phase",
}
_DECIDED = frozenset({"govern", "complete", "spawn", "delegate"})


class HttpTransport:
    """Talks to the HTTP door at ``url`` (else ``FARAMESH_URL``) with the bearer ``token``
    (else ``FARAMESH_TOKEN``).

    ``ca_file`` is a PEM file of the authorities that may have signed the daemon's
    certificate, else those of the system. ``client_certificate`` is a PEM file with a
    certificate and its key, or both files. At most 64 requests and 64 waits are under way
    at once. ``timeout`` is in seconds.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        client_certificate: str | tuple[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        self.door: Door = find_door(url, token)
        parts = urlsplit(self.door.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"`url` must begin with https:// or http://, not `{self.door.url}`")
        if parts.username or parts.password:
            raise ValueError("`url` must hold no password; give `token`")
        if self.door.token and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("a token would be readable on its way over http://; use https://")
        self._host, self._port = parts.hostname, parts.port
        self._base = parts.path.rstrip("/")
        self._tls = _tls(ca_file, client_certificate) if parts.scheme == "https" else None
        self.timeout = timeout_seconds(timeout)
        self._idle: list[http.client.HTTPConnection] = []
        self._slots = threading.BoundedSemaphore(_MAX_OPEN)
        self._poll_slots = threading.BoundedSemaphore(_MAX_OPEN)
        self._pool: ThreadPoolExecutor | None = None
        self._process = os.getpid()
        weakref.finalize(self, _close_all, self._idle)

    def __repr__(self) -> str:
        return f"HttpTransport({self.door.url!r})"

    def close(self) -> None:
        """Close the open connections; the transport can still be used."""
        _close_all(self._idle)

    def request(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]:
        limit = timeout or self.timeout
        deadline = time.monotonic() + limit
        verb, path, body = self._encode(method, params)
        slots = self._slots_for(method)
        if not slots.acquire(timeout=limit):
            raise self._timed_out(params, "waited for a free connection")
        try:
            return self._tries(method, (verb, path, body), params, deadline)
        finally:
            slots.release()

    async def arequest(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]:
        # Blocking reads belong to a thread, which ends at its own deadline; the event loop's
        # few threads would be held by calls that wait for a person.
        loop = asyncio.get_running_loop()
        work = functools.partial(self.request, method, params, timeout)
        return await loop.run_in_executor(self._threads(), work)

    def tell(self, method: str, params: Mapping[str, Any]) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # Now: a serverless function may be frozen as soon as it has returned.
            self.request(method, params, _TELL_SECONDS)
        else:
            loop.run_in_executor(self._threads(), self._tell_quietly, method, dict(params))

    def _tell_quietly(self, method: str, params: Mapping[str, Any]) -> None:
        try:
            self.request(method, params, _TELL_SECONDS)
        except Exception as problem:
            logger.warning("an outcome was not reported: %s", problem)

    def _encode(self, method: str, params: Mapping[str, Any]) -> tuple[str, str, bytes | None]:
        if method == "poll_defer":
            token = quote(str(params.get("defer_token", "")), safe="")
            wait = float(params.get("wait_ms") or 0) / 1000
            return "GET", f"{self._base}/v1/approvals/{token}?wait={wait:g}", None
        path = _PATHS.get(method)
        if path is None:
            raise about(protocol_error(f"no path of the HTTP door is for `{method}`"), params)
        try:
            body = encode_json(params).encode("utf-8")
        except (UnicodeEncodeError, RecursionError, ValueError):
            raise cannot_send("the arguments have no JSON form", params) from None
        if len(body) > MAX_LINE_BYTES:
            raise cannot_send("the arguments are larger than 1 MiB", params)
        return "POST", self._base + path, body

    def _tries(
        self,
        method: str,
        request: tuple[str, str, bytes | None],
        params: Mapping[str, Any],
        deadline: float,
    ) -> Mapping[str, Any]:
        pause = _FIRST_PAUSE
        for tries_left in range(_TRIES - 1, -1, -1):
            cause: Exception | None = None
            try:
                status, reply = self._exchange(request, deadline)
            except TimeoutError as problem:
                raise self._timed_out(params, "no answer") from problem
            except ssl.SSLError as problem:
                # Another try would meet the same certificate.
                raise self._unreachable(problem, params) from problem
            except (OSError, http.client.HTTPException) as problem:
                cause = problem
            else:
                if (result := _result(method, status, reply, params)) is not None:
                    return result
                cause = OSError(f"it answered HTTP {status}")
            wait = pause * (0.5 + random.random())
            if tries_left == 0 or time.monotonic() + wait >= deadline:
                raise self._unreachable(cause, params) from cause
            time.sleep(wait)
            pause *= 2
        raise AssertionError("the last try returns or raises")

    def _exchange(
        self, request: tuple[str, str, bytes | None], deadline: float
    ) -> tuple[int, Mapping[str, Any] | None]:
        connection = self._take()
        try:
            _set_timeout(connection, deadline)
            verb, path, body = request
            headers = {"Accept": "application/json"}
            if body is not None:
                headers["Content-Type"] = "application/json"
            if self.door.token:
                headers["Authorization"] = f"Bearer {self.door.token}"
            connection.request(verb, path, body, headers)
            _set_timeout(connection, deadline)
            answer = connection.getresponse()
            text = bytearray()
            while part := answer.read(_CHUNK_BYTES):
                text += part
                if len(text) > MAX_LINE_BYTES:
                    raise protocol_error("the reply is longer than 1 MiB")
                _set_timeout(connection, deadline)
            status, stays = answer.status, not answer.will_close
        except BaseException:
            connection.close()
            raise
        if stays and len(self._idle) < _MAX_IDLE:
            self._idle.append(connection)
        else:
            connection.close()
        return status, read_object(bytes(text))

    def _threads(self) -> ThreadPoolExecutor:
        self._after_fork()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(2 * _MAX_OPEN, thread_name_prefix="faramesh-http")
        return self._pool

    def _after_fork(self) -> None:
        # A forked child must not read replies that were meant for its parent.
        if self._process != os.getpid():
            self._process = os.getpid()
            self._slots = threading.BoundedSemaphore(_MAX_OPEN)
            self._poll_slots = threading.BoundedSemaphore(_MAX_OPEN)
            self._idle.clear()
            self._pool = None

    def _slots_for(self, method: str) -> threading.BoundedSemaphore:
        self._after_fork()
        # Calls that wait for a person must not keep others from being decided.
        return self._poll_slots if method == "poll_defer" else self._slots

    def _take(self) -> http.client.HTTPConnection:
        try:
            return self._idle.pop()
        except IndexError:
            pass
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port)
        return http.client.HTTPSConnection(self._host, self._port, context=self._tls)

    def _unreachable(self, problem: Exception, params: Mapping[str, Any]) -> DaemonUnreachable:
        error = DaemonUnreachable(
            code="DAEMON_UNREACHABLE",
            human_message=(
                f"cannot reach the Faramesh daemon at `{self.door.url}` (from {self.door.source}): "
                f"{problem}; the tool was not run. Look at the daemon there, or correct the address"
            ),
            retryable=True,
        )
        return about(error, params)

    def _timed_out(self, params: Mapping[str, Any], what: str) -> DaemonTimeout:
        error = DaemonTimeout(
            code="DAEMON_TIMEOUT",
            human_message=(
                f"the Faramesh daemon at `{self.door.url}` did not decide in time ({what}); "
                "the tool was not run. FARAMESH_TIMEOUT_MS sets the limit"
            ),
            retryable=True,
        )
        return about(error, params)


def _result(
    method: str, status: int, reply: Mapping[str, Any] | None, params: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """What the daemon said; ``None`` when nobody decided and another try may help."""
    if reply is not None:
        if method == "poll_defer" and "status" in reply and status in (200, 404):
            return reply
        if method in _DECIDED and "effect" in reply and status != 401:
            if reply["effect"] == "PERMIT" and status != 200:
                raise about(protocol_error(f"the reply permits with HTTP {status}"), params)
            return reply
        if method not in _DECIDED and method != "poll_defer" and status == 200:
            return reply
    if status in _WITHOUT_DECISION:
        return None
    if status == 401:
        what = "the daemon does not know who calls (HTTP 401): `token` is wrong or missing"
        raise about(protocol_error(what), params)
    said = reply.get("human_message") if reply else None
    what = said if isinstance(said, str) else "the reply holds no decision"
    raise about(protocol_error(f"{what} (HTTP {status})"), params)


def _set_timeout(connection: http.client.HTTPConnection, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for the request is over")
    connection.timeout = left
    if connection.sock is not None:
        connection.sock.settimeout(left)


def _tls(
    ca_file: str | os.PathLike[str] | None, certificate: str | tuple[str, str] | None
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=os.fspath(ca_file) if ca_file else None)
    if isinstance(certificate, tuple):
        context.load_cert_chain(*certificate)
    elif certificate:
        context.load_cert_chain(certificate)
    return context


def _close_all(connections: list[http.client.HTTPConnection]) -> None:
    while True:
        try:
            connections.pop().close()
        except IndexError:
            return
