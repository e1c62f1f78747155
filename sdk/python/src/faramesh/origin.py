"""Where a call comes from, in the words of the framework that makes it.

Adapters fill an :class:`Origin` from a framework's own context (LangChain's
``RunnableConfig``, the context object of OpenAI Agents, ...). Nothing here imports a
framework, and what a model wrote is never read as an identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["NOWHERE", "Origin", "origin_from"]

_ID_BYTES = 256


@dataclass(frozen=True)
class Origin:
    """``call_id`` is the framework's id of this one call, unique within ``scope``.

    ``thread`` is the framework's notion of a conversation; it is the session when neither
    the call nor the tool set names one.
    """

    call_id: str = ""
    scope: str = ""
    session_id: str = ""
    thread: str = ""
    request_id: str = ""
    principal: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


NOWHERE = Origin()


def origin_from(
    source: object, *, call_id: object = None, scope: object = "", thread: object = ""
) -> Origin:
    """Read ``principal``, ``session_id``, ``request_id`` and ``tags`` from ``source``.

    ``source`` is a mapping or an object of the developer's. The four are looked for under
    ``faramesh`` first, then beside it. A principal is a mapping; a text is its ``id``.
    """
    places = [place for place in (_get(source, "faramesh"), source) if place is not None]

    def first(name: str) -> Any:
        found = (_get(place, name) for place in places)
        return next((value for value in found if value is not None), None)

    return Origin(
        call_id=_text(call_id),
        scope=_text(scope),
        session_id=_text(first("session_id")),
        thread=_text(thread),
        request_id=_text(first("request_id")),
        principal=_principal(first("principal")),
        tags=_tags(first("tags")),
    )


def _get(source: object, name: str) -> Any:
    if isinstance(source, Mapping):
        return source.get(name)
    if source is None or isinstance(source, (str, bytes, int, float, list, tuple)):
        return None
    return getattr(source, name, None)


def _text(value: object) -> str:
    if value is None or callable(value):
        return ""
    text = str(value)
    # The daemon refuses longer ids; a call must not fail for a framework's long one.
    return text if len(text.encode("utf-8", "replace")) <= _ID_BYTES else ""


def _principal(value: object) -> Mapping[str, Any]:
    if isinstance(value, str) and value:
        return {"id": value}
    return dict(value) if isinstance(value, Mapping) else {}


def _tags(value: object) -> Mapping[str, str]:
    if isinstance(value, Mapping):
        return {str(name): str(item) for name, item in value.items()}
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes)):
        return {}
    # LangChain's tags are plain words: `team:blue` has a value, `blue` is only there.
    pairs = (str(item).partition(":") for item in value)
    return {name: text if colon else "true" for name, colon, text in pairs if name}
