"""The context objects that frameworks hand to a tool beside the model's arguments.

They are known by the name of their class, so no framework is imported. The policy never
sees them as arguments; what they say of the run becomes the call's :class:`Origin`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from contextvars import ContextVar
from typing import Any

from .origin import NOWHERE, Origin, origin_from

__all__ = ["calling", "origin_of", "seen"]

_HERE: ContextVar[Origin | None] = ContextVar("faramesh_origin", default=None)


@contextlib.contextmanager
def calling(origin: Origin) -> Generator[None, None, None]:
    """Within it, the next governed function is the call that ``origin`` tells of."""
    token = _HERE.set(origin)
    try:
        yield
    finally:
        _HERE.reset(token)


def seen(bound: Mapping[str, Any]) -> tuple[dict[str, Any], Origin]:
    """The arguments without framework contexts, and what those tell."""
    origin = _HERE.get() or NOWHERE
    if origin is not NOWHERE:
        # Functions that the tool calls in turn are calls of their own.
        _HERE.set(None)
    arguments: dict[str, Any] = {}
    for name, value in bound.items():
        reader = _reader_of(value)
        if reader is None:
            arguments[name] = value
        elif origin is NOWHERE:
            origin = reader(value)
    return arguments, origin


def origin_of(context: object) -> Origin:
    """What a framework's context object tells; nothing when it is of no known kind."""
    reader = _reader_of(context)
    return reader(context) if reader else NOWHERE


def _openai_agents(context: Any) -> Origin:
    return origin_from(context.context, call_id=getattr(context, "tool_call_id", ""))


def _pydantic_ai(context: Any) -> Origin:
    thread = getattr(context, "conversation_id", None)
    return origin_from(context.deps, call_id=context.tool_call_id, thread=thread)


def _google_adk(context: Any) -> Origin:
    session = getattr(getattr(context, "session", None), "id", "")
    told = {"request_id": getattr(context, "invocation_id", None)}
    call_id = getattr(context, "function_call_id", None)
    return origin_from(told, call_id=call_id, scope=session, thread=session)


def _ag2(context: Any) -> Origin:
    told = getattr(context, "dependencies", None)
    return origin_from(told if isinstance(told, Mapping) else None)


def _nothing(context: Any) -> Origin:
    return NOWHERE


_READERS: dict[tuple[str, str], Callable[[Any], Origin]] = {
    ("agents", "RunContextWrapper"): _openai_agents,
    ("pydantic_ai", "RunContext"): _pydantic_ai,
    ("google", "ReadonlyContext"): _google_adk,
    ("ag2", "ConversationContext"): _ag2,
    ("workflows", "Context"): _nothing,
    ("llama_index", "Context"): _nothing,
    ("autogen_core", "CancellationToken"): _nothing,
}


def _reader_of(value: object) -> Callable[[Any], Origin] | None:
    if value is None or isinstance(value, (str, int, float, bool, list, dict)):
        return None
    for kind in type(value).__mro__:
        root = kind.__module__.partition(".")[0]
        if reader := _READERS.get((root, kind.__name__)):
            return reader
    return None
