"""Google ADK: a copy of a tool whose ``run_async`` asks first.

A refusal is raised and comes out of the runner; returned ones are ``{"error": ...}``.
``on_defer="interrupt"`` is the framework's tool confirmation.
"""

from __future__ import annotations

import functools
import sys
from contextvars import ContextVar
from typing import Any

from ..asking import Instead
from ..callables import govern_callable
from ..contexts import origin_of
from ..exceptions import ToolDeferredException
from . import Patch, Wrapping, governed_copy

__all__ = ["PATCHES", "accepts", "govern"]

PATCHES = (Patch("google.adk.tools.base_tool", "BaseTool", ("run_async",)),)

_CONTEXT: ContextVar[Any] = ContextVar("faramesh_tool_context", default=None)


def accepts(tool: Any) -> bool:
    """True for ADK's ``BaseTool``; tools built into the model run elsewhere."""
    kind = getattr(sys.modules.get("google.adk.tools.base_tool"), "BaseTool", None)
    return isinstance(kind, type) and isinstance(tool, kind)


def govern(tool: Any, wrapping: Wrapping) -> Any:
    """The governed copy of ``tool``."""
    enforcer = wrapping.enforcer.for_framework("Google ADK", interrupt=_ask_for_confirmation)
    name, hidden = wrapping.name, wrapping.hidden

    async def run_async(self: Any, *, args: dict[str, Any], tool_context: Any) -> Any:
        token = _CONTEXT.set(tool_context)
        try:
            arguments = {key: value for key, value in args.items() if key not in hidden}
            run = functools.partial(tool.run_async, args=args, tool_context=tool_context)
            origin = origin_of(tool_context)
            return await enforcer.arun(name, arguments, run, origin, _error)
        finally:
            _CONTEXT.reset(token)

    governed = governed_copy(tool, name, {"run_async": run_async})
    # Live runs reach past `run_async` for a streaming function itself.
    if callable(function := getattr(tool, "func", None)):
        unseen = hidden | {"input_stream"}
        governed.func = govern_callable(function, name, enforcer, unseen, _error)
    return governed


def _error(refusal: Instead) -> Any:
    return {"error": refusal.value} if isinstance(refusal.value, str) else refusal.value


def _ask_for_confirmation(denial: ToolDeferredException) -> Any:
    context = _CONTEXT.get()
    if context is None:
        return None
    context.request_confirmation(hint=str(denial), payload={"approval_id": denial.approval_id})
    context.actions.skip_summarization = True
    return str(denial)
