"""CrewAI: a copy of a tool whose ``_run`` and ``_arun`` ask first.

A refusal is the tool's result: CrewAI would swallow an exception, and try again. A
refusal is never put into CrewAI's cache of results.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import Any

from ..arguments import bind_arguments, signature_of
from ..asking import Instead
from ..callables import govern_callable
from . import Patch, Wrapping, governed_copy

__all__ = ["PATCHES", "accepts", "govern"]

PATCHES = (Patch("crewai.tools.base_tool", "BaseTool", ("run", "arun", "to_structured_tool")),)


class _Refusal(str):
    """The text of a refusal, which the framework must not cache as a result."""


def accepts(tool: Any) -> bool:
    """True for CrewAI's ``BaseTool``, ``@tool`` functions included."""
    kind = getattr(sys.modules.get("crewai.tools.base_tool"), "BaseTool", None)
    return isinstance(kind, type) and isinstance(tool, kind)


def govern(tool: Any, wrapping: Wrapping) -> Any:
    """The governed copy of ``tool``."""
    enforcer = wrapping.enforcer.for_framework("CrewAI", on_deny="return", on_defer="return")
    kind: Any = type(tool)
    function = getattr(tool, "func", None)
    signature = signature_of(function if callable(function) else tool._run)

    def shown(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        return bind_arguments(signature, args, kwargs, wrapping.hidden)

    @functools.wraps(kind._run)
    def _run(self: Any, *args: Any, **kwargs: Any) -> Any:
        run = functools.partial(tool._run, *args, **kwargs)
        return enforcer.run(wrapping.name, shown(args, kwargs), run, instead=_refusal)

    @functools.wraps(kind._arun)
    async def _arun(self: Any, *args: Any, **kwargs: Any) -> Any:
        run = functools.partial(tool._arun, *args, **kwargs)
        return await enforcer.arun(wrapping.name, shown(args, kwargs), run, instead=_refusal)

    governed = governed_copy(tool, wrapping.name, {"_run": _run, "_arun": _arun})
    if callable(function):
        governed.__dict__["func"] = govern_callable(
            function, wrapping.name, enforcer, wrapping.hidden, _refusal
        )
    caches = getattr(tool, "cache_function", None)

    def cache_function(arguments: Any = None, result: Any = None) -> bool:
        return not isinstance(result, _Refusal) and (caches is None or caches(arguments, result))

    governed.__dict__["cache_function"] = cache_function
    return governed


def _refusal(refusal: Instead) -> Any:
    return _Refusal(refusal.value) if isinstance(refusal.value, str) else refusal.value
