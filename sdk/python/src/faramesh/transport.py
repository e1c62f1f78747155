"""What carries a request to whoever decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

__all__ = ["Transport"]


@runtime_checkable
class Transport(Protocol):
    """One method per world. Both return a reply's ``result`` object or raise
    :class:`~faramesh.ToolDeniedException`; neither ever makes up a permit.

    ``method`` is ``govern``, ``outcome`` or ``poll_defer``. ``timeout`` is the whole
    time allowed, in seconds; ``None`` means the transport's own.
    """

    def request(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]: ...

    async def arequest(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]: ...

    def close(self) -> None: ...
