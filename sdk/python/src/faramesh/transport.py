"""What carries a request to whoever decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

__all__ = ["Transport"]


@runtime_checkable
class Transport(Protocol):
    """``request`` and ``arequest`` ask ``govern`` or ``poll_defer`` and return the reply's
    ``result`` object, or raise :class:`~faramesh.ToolDeniedException`; neither ever makes
    up a permit. ``timeout`` is the whole time allowed, in seconds; ``None`` means the
    transport's own.

    ``tell`` reports an ``outcome`` that nobody waits for: it must not block, also not on an
    event loop, and may raise anything.
    """

    def request(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]: ...

    async def arequest(
        self, method: str, params: Mapping[str, Any], timeout: float | None = None
    ) -> Mapping[str, Any]: ...

    def tell(self, method: str, params: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...
