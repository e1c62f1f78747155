"""Where the daemon is and who is calling, from arguments and the environment.

Order for the socket: explicit argument, ``FARAMESH_SOCKET``, the nearest
``.faramesh/runtime/agent.env`` above the working directory, then
``~/.faramesh/runtime/faramesh.sock``. The first that names a socket wins, whether
or not a daemon listens there: falling through to another daemon would be decided
by a policy nobody chose.
"""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "DEFAULT_TIMEOUT_SECONDS",
    "Door",
    "SocketAddress",
    "agent_id",
    "find_door",
    "find_socket",
    "goes_by_http",
    "session_id",
]

DEFAULT_TIMEOUT_SECONDS = 5.0
_MAX_PARENTS = 64
_MAX_ENV_FILE_BYTES = 64 * 1024

logger = logging.getLogger("faramesh")


@dataclass(frozen=True)
class SocketAddress:
    """A socket path and, for error messages, where it was named."""

    path: str
    source: str


def find_socket(explicit: str | os.PathLike[str] | None = None) -> SocketAddress:
    """The daemon's socket for this process. Nothing is opened."""
    if explicit:
        return SocketAddress(os.path.expanduser(os.fspath(explicit)), "the `socket` argument")
    if from_variable := _variable("FARAMESH_SOCKET"):
        return SocketAddress(os.path.expanduser(from_variable), "FARAMESH_SOCKET")
    if from_file := _from_agent_env():
        return from_file
    home = Path.home() / ".faramesh" / "runtime" / "faramesh.sock"
    return SocketAddress(str(home), "the default place")


@dataclass(frozen=True)
class Door:
    """The address of an HTTP door, where it was named, and the token for it."""

    url: str
    source: str
    token: str = field(repr=False)


def goes_by_http() -> bool:
    """Whether the environment names an HTTP door, and no socket before it."""
    return bool(_variable("FARAMESH_URL")) and not _variable("FARAMESH_SOCKET")


def find_door(url: str | None = None, token: str | None = None) -> Door:
    """The HTTP door for this process. Nothing is opened."""
    address, source = (url, "the `url` argument") if url else (_variable("FARAMESH_URL"), "FARAMESH_URL")
    if not address:
        raise ValueError("where is the daemon? give `url`, or set FARAMESH_URL")
    # The environment's token belongs to the environment's address, and is shown to no other.
    own = token if token is not None else ("" if url else _variable("FARAMESH_TOKEN"))
    if any(not " " < character <= "~" for character in own):
        raise ValueError("`token` has characters that no token has")
    return Door(address, source, own)


def timeout_seconds(explicit: float | None = None) -> float:
    """How long one request may take: the argument, ``FARAMESH_TIMEOUT_MS``, else 5 s."""
    if explicit is not None:
        if not explicit > 0:
            raise ValueError(f"`timeout` must be more than 0 seconds, not {explicit!r}")
        return float(explicit)
    text = _variable("FARAMESH_TIMEOUT_MS")
    if not text:
        return DEFAULT_TIMEOUT_SECONDS
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"FARAMESH_TIMEOUT_MS must be a whole number above 0, not `{text}`")
    return int(text) / 1000


def agent_id(explicit: str | None = None) -> str:
    """The agent's name, or empty when the daemon knows the agent by its process."""
    return explicit or _variable("FARAMESH_AGENT_ID")


def session_id(explicit: str | None = None) -> str:
    """The session's name, or empty for the daemon's own notion of one."""
    return explicit or _variable("FARAMESH_SESSION_ID")


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()


def _from_agent_env() -> SocketAddress | None:
    try:
        start = Path.cwd()
    except OSError:
        return None
    for folder in (start, *start.parents)[:_MAX_PARENTS]:
        file = folder / ".faramesh" / "runtime" / "agent.env"
        if (text := _read_trusted(file)) is None:
            continue
        if socket := _assigned(text, "FARAMESH_SOCKET"):
            return SocketAddress(os.path.join(str(folder), socket), str(file))
    return None


def _read_trusted(file: Path) -> str | None:
    # Whoever writes this file chooses who decides: in a shared folder such as /tmp
    # another user could name a daemon that permits everything.
    try:
        with open(file, encoding="utf-8", errors="replace") as handle:
            facts = os.fstat(handle.fileno())
            if facts.st_uid not in (0, os.geteuid()) or facts.st_mode & stat.S_IWOTH:
                logger.warning("ignoring `%s`: another user can write it", file)
                return None
            return handle.read(_MAX_ENV_FILE_BYTES)
    except OSError:
        return None


def _assigned(text: str, name: str) -> str:
    for line in text.splitlines():
        key, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and key.strip() == name:
            value = value.strip()
            if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            return value
    return ""
