"""AG2: a copy of a ``FunctionTool`` that asks when it is called with an event.

A refusal is the framework's ``ToolErrorEvent``, which the model reads, as is a tool's own
exception. So is one that is raised: AG2 lets no exception of a tool out of a run.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import sys
from typing import Any

from ..asking import Instead
from ..contexts import origin_of
from ..exceptions import ToolDeniedException
from . import Patch, Wrapping, governed_copy

__all__ = ["PATCHES", "accepts", "govern"]

PATCHES = (
    Patch("ag2.tools.final.function_tool", "FunctionTool", ("__call__",)),
    Patch("ag2.tools.toolkits.mcp_server.toolkit", "_MCPProxyTool", ("__call__",)),
)


def accepts(tool: Any) -> bool:
    """True for AG2's ``FunctionTool``, which ``@tool`` makes, and a tool of an MCP server."""
    kinds = (getattr(sys.modules.get(patch.module), patch.kind, None) for patch in PATCHES)
    return any(isinstance(kind, type) and isinstance(tool, kind) for kind in kinds)


def govern(tool: Any, wrapping: Wrapping) -> Any:
    """The governed copy of ``tool``."""
    enforcer = wrapping.enforcer.for_framework("AG2", on_deny="return", on_defer="return")
    events: Any = importlib.import_module("ag2.events")

    def refused(event: Any, denial: ToolDeniedException) -> Any:
        # The event quotes the traceback, and the model has no use for one.
        return events.ToolErrorEvent.from_call(event, error=denial.with_traceback(None))

    async def call(self: Any, event: Any, context: Any) -> Any:
        def instead(refusal: Instead) -> Any:
            if refusal.denial is not None and refusal.value == str(refusal.denial):
                return refused(event, refusal.denial)
            return events.ToolResultEvent.from_call(event, result=refusal.value)

        given = event.serialized_arguments
        arguments = {key: value for key, value in given.items() if key not in wrapping.hidden}
        origin = dataclasses.replace(origin_of(context), call_id=str(event.id or ""))
        work = functools.partial(tool, event, context)
        try:
            return await enforcer.arun(
                wrapping.name, arguments, work, origin, instead, failure_of=_failure_of
            )
        except ToolDeniedException as denial:
            denial.__cause__ = None
            return refused(event, denial)

    return governed_copy(tool, wrapping.name, {"__call__": call})


def _failure_of(result: Any) -> BaseException | None:
    error = getattr(result, "error", None)
    return error if isinstance(error, BaseException) else None
