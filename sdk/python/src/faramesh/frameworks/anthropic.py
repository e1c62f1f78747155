"""Anthropic: tools of its tool runner, and a loop of your own over ``tool_use`` blocks.

A refusal is a ``tool_result`` with ``is_error``, which the model reads. A tool's own
exception comes out of :func:`tool_results` unchanged.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from ..asking import Instead
from ..callables import govern_callable
from ..contexts import calling
from ..exceptions import (
    ArgumentsInvalid,
    DaemonProtocolError,
    DaemonUnreachable,
    ToolDeniedException,
)
from ..origin import Origin
from . import Patch, Wrapping, governed_copy

__all__ = ["PATCHES", "accepts", "atool_results", "govern", "tool_results"]

_MODULE = "anthropic.lib.tools._beta_functions"

PATCHES = (
    Patch(_MODULE, "BetaFunctionTool", ("call",)),
    Patch(_MODULE, "BetaAsyncFunctionTool", ("call",)),
    Patch(_MODULE, "BetaBuiltinFunctionTool", ("call",)),
    Patch(_MODULE, "BetaAsyncBuiltinFunctionTool", ("call",)),
)


def accepts(tool: Any) -> bool:
    """True for what ``beta_tool`` and ``beta_async_tool`` make, and tools such as memory."""
    kinds = (getattr(sys.modules.get(_MODULE), patch.kind, None) for patch in PATCHES)
    return any(isinstance(kind, type) and isinstance(tool, kind) for kind in kinds)


def govern(tool: Any, wrapping: Wrapping) -> Any:
    """The governed copy of ``tool``."""
    enforcer = wrapping.enforcer.for_framework("Anthropic", on_deny="return", on_defer="return")
    name, hidden = wrapping.name, wrapping.hidden

    def shown(given: Any) -> dict[str, Any]:
        arguments = given if isinstance(given, Mapping) else {"input": given}
        return {key: value for key, value in arguments.items() if key not in hidden}

    def call(self: Any, input: Any) -> Any:
        work = functools.partial(tool.call, input)
        return enforcer.run(name, shown(input), work, instead=_tool_error)

    async def acall(self: Any, input: Any) -> Any:
        work = functools.partial(tool.call, input)
        return await enforcer.arun(name, shown(input), work, instead=_tool_error)

    is_async = inspect.iscoroutinefunction(type(tool).call)
    governed = governed_copy(tool, name, {"call": acall if is_async else call})
    if callable(function := getattr(tool, "func", None)):
        governed.func = govern_callable(function, name, enforcer, hidden, _tool_error)
    return governed


def _tool_error(refusal: Instead) -> Any:
    if refusal.denial is None or refusal.value != str(refusal.denial):
        return refusal.value
    tools: Any = importlib.import_module("anthropic.lib.tools")
    if (error := getattr(tools, "ToolError", None)) is None:
        raise refusal.denial
    raise error(refusal.value) from refusal.denial


def tool_results(message: Any, tools: Any) -> list[dict[str, Any]]:
    """Run every ``tool_use`` block of a message: the ``tool_result`` blocks to send back.

    ``tools`` is a :class:`~faramesh.GovernedToolSet`; the block's id is the call's.
    """
    results = []
    for block in _tool_uses(message):
        with calling(Origin(call_id=block["id"])):
            try:
                results.append(_result(block, _find(tools, block)(**block["input"])))
            except ToolDeniedException as denial:
                results.append(_refused(block, denial))
    return results


async def atool_results(message: Any, tools: Any) -> list[dict[str, Any]]:
    """As :func:`tool_results`, for async tools too."""
    results = []
    for block in _tool_uses(message):
        with calling(Origin(call_id=block["id"])):
            try:
                answer = _find(tools, block)(**block["input"])
                answer = await answer if inspect.isawaitable(answer) else answer
                results.append(_result(block, answer))
            except ToolDeniedException as denial:
                results.append(_refused(block, denial))
    return results


def _tool_uses(message: Any) -> Iterable[dict[str, Any]]:
    content = message["content"] if isinstance(message, Mapping) else message.content
    for block in content:
        fields = block if isinstance(block, Mapping) else vars(block)
        if fields.get("type") == "tool_use":
            yield {"id": fields["id"], "name": fields["name"], "input": fields["input"]}


def _find(tools: Any, block: Mapping[str, Any]) -> Any:
    try:
        return tools[block["name"]]
    except KeyError:
        # A model may make up a name; nothing runs, and it is told.
        raise ArgumentsInvalid(
            code="TOOL_UNKNOWN",
            human_message="there is no such tool",
            tool=str(block["name"]),
        ) from None


def _result(block: Mapping[str, Any], answer: Any) -> dict[str, Any]:
    content = answer if isinstance(answer, (str, list)) else str(answer)
    return {"type": "tool_result", "tool_use_id": block["id"], "content": content}


def _refused(block: Mapping[str, Any], denial: ToolDeniedException) -> dict[str, Any]:
    if isinstance(denial, (DaemonUnreachable, DaemonProtocolError)):
        raise denial
    return {**_result(block, str(denial)), "is_error": True}
