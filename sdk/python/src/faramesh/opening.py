"""The way to the daemon that the caller asks for, or the environment names."""

from __future__ import annotations

import os

from . import settings
from .http_transport import HttpTransport
from .transport import Transport
from .unix_socket import UnixSocketTransport

__all__ = ["open_transport"]


def open_transport(
    transport: Transport | None = None,
    *,
    socket: str | os.PathLike[str] | None = None,
    url: str | None = None,
    token: str | None = None,
    timeout: float | None = None,
) -> Transport:
    """``transport``, else the one for ``socket`` or ``url``, else where the environment
    says: ``FARAMESH_SOCKET`` before ``FARAMESH_URL``, and a Unix socket when there is neither.
    """
    if transport is not None:
        if any(given is not None for given in (socket, url, token, timeout)):
            raise ValueError("give `transport`, or `socket`, `url`, `token` and `timeout`, not both")
        return transport
    if socket is not None and (url is not None or token is not None):
        raise ValueError("give `socket`, or `url` with `token`, not both")
    if url is not None or token is not None or (socket is None and settings.goes_by_http()):
        return HttpTransport(url, token=token, timeout=timeout)
    return UnixSocketTransport(socket, timeout=timeout)
