"""LlamaIndex: a copy of a tool whose ``call`` and ``acall`` ask first.

A refusal is raised; an agent of the framework makes a ``ToolOutput`` with ``is_error`` of
it, which the model reads. With ``on_deny="return"`` such an output is the result itself.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Mapping
from typing import Any

from ..arguments import bind_arguments, signature_of
from ..asking import Instead
from ..callables import govern_callable
from ..contexts import seen
from ..origin import Origin
from . import Patch, Wrapping, governed_copy

__all__ = ["PATCHES", "accepts", "govern"]

PATCHES = (Patch("llama_index.core.tools.types", "AsyncBaseTool", ("call", "acall")),)


def accepts(tool: Any) -> bool:
    """True for LlamaIndex's ``BaseTool`` with ``call``: functions, query engines, retrievers."""
    kind = getattr(sys.modules.get("llama_index.core.tools.types"), "BaseTool", None)
    return isinstance(kind, type) and isinstance(tool, kind) and hasattr(tool, "call")


def govern(tool: Any, wrapping: Wrapping) -> Any:
    """The governed copy of ``tool``."""
    enforcer = wrapping.enforcer.for_framework("LlamaIndex")
    name = wrapping.name
    function = getattr(tool, "real_fn", None)
    signature = signature_of(function) if callable(function) else None
    context = getattr(tool, "ctx_param_name", None)
    hidden = wrapping.hidden | ({context} if context else set())
    # What the framework adds to a call by itself; the tool gets it, so the policy sees it.
    fixed = {**getattr(tool, "_field_defaults", {}), **getattr(tool, "partial_params", {})}

    def shown(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], Origin]:
        return seen(bind_arguments(signature, args, {**fixed, **kwargs}, hidden))

    def instead(refusal: Instead) -> Any:
        if not isinstance(refusal.value, str):
            return refusal.value
        types: Any = importlib.import_module("llama_index.core.tools.types")
        return types.ToolOutput(
            content=refusal.value,
            tool_name=tool.metadata.get_name(),
            raw_input={},
            raw_output=refusal.value,
            is_error=True,
            exception=refusal.denial,
        )

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        run = functools.partial(tool.call, *args, **kwargs)
        arguments, origin = shown(args, kwargs)
        return enforcer.run(name, arguments, run, origin, instead)

    async def acall(self: Any, *args: Any, **kwargs: Any) -> Any:
        run = functools.partial(tool.acall, *args, **kwargs)
        arguments, origin = shown(args, kwargs)
        return await enforcer.arun(name, arguments, run, origin, instead)

    members: dict[str, Any] = {"call": call}
    if hasattr(tool, "acall"):
        members["acall"] = acall
    governed = governed_copy(tool, name, members)
    # Some code reaches past `call` for the function itself.
    for attribute in ("_fn", "_async_fn", "_real_fn"):
        if callable(inner := getattr(tool, attribute, None)):
            setattr(governed, attribute, govern_callable(inner, name, enforcer, hidden))
    return governed
