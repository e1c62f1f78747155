"""Pydantic AI: governed ``Tool`` objects and whole toolsets.

A refusal is raised and comes out of ``run``. ``on_defer="interrupt"`` is the framework's
approval: the run ends with ``DeferredToolRequests`` and goes on with the results of them.
"""

from __future__ import annotations

import copy
import importlib
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ..contexts import origin_of
from ..enforcement import Enforcer
from ..exceptions import ToolDeferredException
from . import CALLS, Patch, Wrapping, governed_copy

__all__ = ["PATCHES", "accepts", "asking", "enforcer_for", "govern"]

PATCHES = (
    Patch("pydantic_ai.tools", "Tool", ("__init__",)),
    Patch("pydantic_ai.toolsets.abstract", "AbstractToolset", ("call_tool",), CALLS),
)

_ASKED: ContextVar[Any] = ContextVar("faramesh_asked", default=None)
"""The very arguments that were asked about further out, in a toolset around this one."""


def accepts(tool: Any) -> bool:
    """True for ``pydantic_ai.Tool`` and every ``AbstractToolset``."""
    return _is(tool, "pydantic_ai.tools", "Tool") or _is_toolset(tool)


def _is(tool: Any, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(tool, kind)


def _is_toolset(tool: Any) -> bool:
    return _is(tool, "pydantic_ai.toolsets.abstract", "AbstractToolset")


def govern(tool: Any, wrapping: Wrapping) -> Any:
    """The governed copy of a tool, or a wrapper around a toolset."""
    enforcer = enforcer_for(wrapping.enforcer)
    if _is_toolset(tool):
        return _govern_toolset(tool, wrapping, enforcer)
    schema = tool.function_schema

    async def call(self: Any, args_dict: dict[str, Any], ctx: Any) -> Any:
        arguments = {k: v for k, v in args_dict.items() if k not in wrapping.hidden}
        return await enforcer.arun(
            wrapping.name, arguments, lambda: schema.call(args_dict, ctx), origin_of(ctx)
        )

    governed = copy.copy(tool)
    governed.function_schema = governed_copy(schema, wrapping.name, {"call": call})
    governed.__faramesh_tool__ = wrapping.name
    return governed


def enforcer_for(enforcer: Enforcer) -> Enforcer:
    """With this framework's defaults."""
    return enforcer.for_framework("Pydantic AI", interrupt=_ask_for_approval)


def _govern_toolset(toolset: Any, wrapping: Wrapping, enforcer: Enforcer) -> Any:
    wrapper: Any = importlib.import_module("pydantic_ai.toolsets").WrapperToolset

    class GovernedToolset(wrapper):  # type: ignore[misc]
        """Asks before every call of the toolset that it wraps."""

        __faramesh_tool__ = wrapping.name

        async def call_tool(self, name: str, tool_args: dict[str, Any], ctx: Any, tool: Any) -> Any:
            arguments = {k: v for k, v in tool_args.items() if k not in wrapping.hidden}

            async def work() -> Any:
                token = _ASKED.set(tool_args)
                try:
                    return await wrapper.call_tool(self, name, tool_args, ctx, tool)
                finally:
                    _ASKED.reset(token)

            governed_name = wrapping.names.get(name, name)
            return await enforcer.arun(governed_name, arguments, work, origin_of(ctx))

    return GovernedToolset(toolset)


def asking(
    owner: Any, method: str, run: Callable[..., Any], enforcer: Enforcer
) -> Callable[..., Any] | None:
    """``call_tool`` of MCP servers and of toolsets of one's own; the framework's other
    toolsets hold ``Tool`` objects or toolsets, which ask by themselves."""
    for kind in type(owner).__mro__:
        own = kind.__module__.startswith("pydantic_ai.toolsets.")
        if own and kind.__name__ != "AbstractToolset":
            return None

    async def call_tool(name: str, tool_args: dict[str, Any], ctx: Any, tool: Any) -> Any:
        if _ASKED.get() is tool_args:
            return await run(name, tool_args, ctx, tool)
        return await enforcer_for(enforcer).arun(
            name, tool_args, lambda: run(name, tool_args, ctx, tool), origin_of(ctx)
        )

    return call_tool


def _ask_for_approval(denial: ToolDeferredException) -> None:
    exceptions: Any = importlib.import_module("pydantic_ai.exceptions")
    raise exceptions.ApprovalRequired(metadata={"faramesh": denial.to_dict()}) from denial
