"""AutoGen (autogen-core, autogen-agentchat): a copy of a tool that asks first.

A refusal is raised; AutoGen's workbench makes a result with ``is_error`` of it, which the
model reads.
"""

from __future__ import annotations

import functools
import importlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from ..asking import Instead
from ..enforcement import Enforcer
from ..origin import Origin, origin_from
from . import CALLS, Patch, Wrapping, governed_copy

__all__ = ["PATCHES", "accepts", "asking", "govern"]

PATCHES = (
    Patch("autogen_core.tools._base", "BaseTool", ("run_json",)),
    Patch("autogen_core.tools._base", "BaseStreamTool", ("run_json_stream",)),
    Patch("autogen_core.tools._workbench", "Workbench", ("call_tool",), CALLS),
    Patch("autogen_core.tools._workbench", "StreamWorkbench", ("call_tool_stream",), CALLS),
)


def accepts(tool: Any) -> bool:
    """True for autogen-core's ``BaseTool``."""
    kind = getattr(sys.modules.get("autogen_core.tools"), "BaseTool", None)
    return isinstance(kind, type) and isinstance(tool, kind)


def govern(tool: Any, wrapping: Wrapping) -> Any:
    """The governed copy of ``tool``."""
    enforcer = wrapping.enforcer.for_framework("AutoGen")
    name = wrapping.name

    def shown(args: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in args.items() if key not in wrapping.hidden}

    async def run(self: Any, args: Any, cancellation_token: Any) -> Any:
        work = functools.partial(tool.run, args, cancellation_token)
        return await enforcer.arun(name, shown(args.model_dump()), work)

    async def run_json(
        self: Any, args: Mapping[str, Any], cancellation_token: Any, call_id: str | None = None
    ) -> Any:
        options = {"call_id": call_id} if call_id else {}
        work = functools.partial(tool.run_json, args, cancellation_token, **options)
        return await enforcer.arun(name, shown(args), work, _origin(call_id))

    async def run_json_stream(
        self: Any, args: Mapping[str, Any], cancellation_token: Any, call_id: str | None = None
    ) -> AsyncIterator[Any]:
        options = {"call_id": call_id} if call_id else {}
        stream = functools.partial(tool.run_json_stream, args, cancellation_token, **options)
        async for item in _streamed(enforcer, name, shown(args), _origin(call_id), stream):
            yield item

    members: dict[str, Any] = {"run": run, "run_json": run_json}
    if hasattr(tool, "run_json_stream"):
        members["run_json_stream"] = run_json_stream
    return governed_copy(tool, name, members)


def asking(
    owner: Any, method: str, run: Callable[..., Any], enforcer: Enforcer
) -> Callable[..., Any] | None:
    """``call_tool`` of MCP servers and of workbenches of one's own; those that hold tools of
    this process run their ``run_json``, which asks by itself."""
    static = getattr(sys.modules.get("autogen_core.tools"), "StaticWorkbench", None)
    if isinstance(static, type) and isinstance(owner, static):
        return None
    enforcer = enforcer.for_framework("AutoGen", on_deny="return", on_defer="return")

    async def call_tool(
        name: str,
        arguments: Mapping[str, Any] | None = None,
        cancellation_token: Any = None,
        call_id: str | None = None,
    ) -> Any:
        work = functools.partial(run, name, arguments, cancellation_token, call_id)
        instead = functools.partial(_error, name)
        return await enforcer.arun(name, arguments or {}, work, _origin(call_id), instead)

    async def call_tool_stream(
        name: str,
        arguments: Mapping[str, Any] | None = None,
        cancellation_token: Any = None,
        call_id: str | None = None,
    ) -> AsyncIterator[Any]:
        stream = functools.partial(run, name, arguments, cancellation_token, call_id)
        instead = functools.partial(_error, name)
        origin = _origin(call_id)
        async for item in _streamed(enforcer, name, arguments or {}, origin, stream, instead):
            yield item

    return call_tool if method == "call_tool" else call_tool_stream


def _error(name: str, refusal: Instead) -> Any:
    types: Any = importlib.import_module("autogen_core.tools")
    text = types.TextResultContent(content=str(refusal.value))
    return types.ToolResult(name=name, result=[text], is_error=True)


async def _streamed(
    enforcer: Enforcer,
    name: str,
    arguments: Mapping[str, Any],
    origin: Origin,
    stream: Callable[[], AsyncIterator[Any]],
    instead: Callable[[Instead], Any] | None = None,
) -> AsyncIterator[Any]:
    """The items of ``stream`` after a permit; its outcome is reported when it ends."""
    permit = await enforcer.adecide(name, arguments, origin)
    if isinstance(permit, Instead):
        yield instead(permit) if instead else permit.value
        return
    started = time.monotonic()
    try:
        async for item in stream():
            yield item
    except GeneratorExit:
        enforcer.report(permit, started, None)
        raise
    except BaseException as problem:
        enforcer.report(permit, started, problem)
        raise
    enforcer.report(permit, started, None)


def _origin(call_id: str | None) -> Origin:
    return origin_from(None, call_id=call_id)
