"""OpenAI Agents: a copy of a ``FunctionTool`` whose ``on_invoke_tool`` asks first.

A refusal is the tool's result, for the model to read; the framework would wrap an
exception in its ``UserError``. What must stop the run (no daemon) is raised as a subclass
of the framework's ``AgentsException`` too, and so comes out as itself.
``on_defer="interrupt"`` is the framework's approval: the run ends with interruptions.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from ..contexts import origin_of
from ..enforcement import Enforcer
from ..exceptions import ToolDeferredException, ToolDeniedException
from ..wire import Permit
from . import REFUSED, Patch, Wrapping

__all__ = ["PATCHES", "accepts", "govern"]

PATCHES = (
    Patch("agents.tool", "FunctionTool", ("__init__",)),
    Patch("agents.tool", "ApplyPatchTool", ("__init__",), REFUSED),
    Patch("agents.tool", "ComputerTool", ("__init__",), REFUSED),
    Patch("agents.tool", "CustomTool", ("__init__",), REFUSED),
    Patch("agents.tool", "LocalShellTool", ("__init__",), REFUSED),
    Patch("agents.tool", "ShellTool", ("__init__",), REFUSED),
)

_MAX_HELD = 256


def accepts(tool: Any) -> bool:
    """True for ``agents.FunctionTool``; hosted tools run elsewhere and cannot be governed."""
    kind = getattr(sys.modules.get("agents.tool"), "FunctionTool", None)
    return isinstance(kind, type) and isinstance(tool, kind)


def govern(tool: Any, wrapping: Wrapping) -> Any:
    """The governed copy of ``tool``."""
    holds = wrapping.enforcer.manners.on_defer == "interrupt"
    enforcer = wrapping.enforcer.for_framework(
        "OpenAI Agents", on_deny="return", on_defer="return", interrupt=lambda denial: str(denial)
    )
    governed = copy.copy(tool)
    invocation = _Invocation(tool, wrapping, enforcer)
    governed.on_invoke_tool = invocation
    if holds:
        governed.needs_approval = invocation.needs_approval
    governed.__faramesh_tool__ = wrapping.name
    return governed


class _Invocation:
    """``on_invoke_tool`` of a governed tool, and its ``needs_approval``."""

    def __init__(self, tool: Any, wrapping: Wrapping, enforcer: Enforcer) -> None:
        self._tool = tool
        self._bare = _without_failure_function(tool)
        self._wrapping = wrapping
        self._enforcer = enforcer
        # Permits that `needs_approval` got, for the invocation that follows it.
        self._held: OrderedDict[tuple[str, str], Permit] = OrderedDict()
        self._lock = threading.Lock()

    async def __call__(self, ctx: Any, input: str) -> Any:
        arguments = self._arguments(input)
        try:
            return await self._enforcer.arun(
                self._wrapping.name,
                arguments,
                lambda: self._bare.on_invoke_tool(ctx, input),
                origin_of(ctx),
                permit=self._take(ctx, arguments),
            )
        except ToolDeniedException as denial:
            raise _for_agents(denial) from denial.__cause__
        except Exception as problem:
            return await _failure_result(self._tool, ctx, problem)

    async def needs_approval(self, ctx: Any, params: dict[str, Any], call_id: str) -> bool:
        """Ask now; a deferred call ends the run as one that waits for an approval."""
        own: Any = self._tool.needs_approval
        if own is not True and own is not False:
            own = await own(ctx, params, call_id)
        if own:
            return True
        arguments = self._shown(params)
        origin = origin_of(ctx)
        if not origin.call_id:
            origin = dataclasses.replace(origin, call_id=call_id)
        answer = await self._enforcer.adecide(self._wrapping.name, arguments, origin)
        if isinstance(answer, Permit):
            with self._lock:
                self._held[(call_id, _digest(arguments))] = answer
                while len(self._held) > _MAX_HELD:
                    self._held.popitem(last=False)
            return False
        return isinstance(answer.denial, ToolDeferredException)

    def _take(self, ctx: Any, arguments: Mapping[str, Any]) -> Permit | None:
        with self._lock:
            if not self._held:
                return None
            key = (getattr(ctx, "tool_call_id", ""), _digest(arguments))
            return self._held.pop(key, None)

    def _arguments(self, text: str) -> dict[str, Any]:
        try:
            parsed = json.loads(text) if text else {}
        except ValueError:
            # The tool will refuse it; the policy decides the attempt.
            parsed = {"input": text}
        return self._shown(parsed if isinstance(parsed, dict) else {"input": parsed})

    def _shown(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        hidden = self._wrapping.hidden
        return {name: value for name, value in arguments.items() if name not in hidden}


def _digest(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, sort_keys=True, default=str)


def _without_failure_function(tool: Any) -> Any:
    """A copy that lets the tool's exception out, so that its outcome can be told."""
    bare = copy.copy(tool)
    if hasattr(bare, "_use_default_failure_error_function"):
        bare._failure_error_function = None
        bare._use_default_failure_error_function = False
    return bare


async def _failure_result(tool: Any, ctx: Any, problem: Exception) -> Any:
    """What the framework makes of a tool's exception: a text for the model, or itself."""
    if getattr(tool, "_use_default_failure_error_function", False):
        function = getattr(sys.modules.get("agents.tool"), "default_tool_error_function", None)
    else:
        function = getattr(tool, "_failure_error_function", None)
    if function is None:
        raise problem
    result = function(ctx, problem)
    return await result if inspect.isawaitable(result) else result


def _for_agents(denial: ToolDeniedException) -> ToolDeniedException:
    base = getattr(sys.modules.get("agents.exceptions"), "AgentsException", None)
    if not isinstance(base, type) or isinstance(denial, base):
        return denial
    made = _both(type(denial), base)(**denial.to_dict())
    # The framework fills it in when the run ends.
    made.run_data = None  # type: ignore[attr-defined]
    return made


def _both(kind: type[ToolDeniedException], base: type) -> type[ToolDeniedException]:
    return type(kind.__name__, (kind, base), {"__module__": kind.__module__})
