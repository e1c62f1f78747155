"""AutoGen (autogen-core, autogen-agentchat): a copy of a tool that asks first.

A refusal is raised; AutoGen's workbench makes a result with ``is_error`` of it, which the
model reads.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from ..asking import Instead
from ..origin import Origin, origin_from
from . import Patch, Wrapping, governed_copy

__all__ = ["PATCHES", "accepts", "govern"]

PATCHES = (
    Patch("autogen_core.tools._base", "BaseTool", ("run_json",)),
    Patch("autogen_core.tools._base", "BaseStreamTool", ("run_json_stream",)),
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
        permit = await enforcer.adecide(name, shown(args), _origin(call_id))
        if isinstance(permit, Instead):
            yield permit.value
            return
        started = time.monotonic()
        options = {"call_id": call_id} if call_id else {}
        try:
            async for item in tool.run_json_stream(args, cancellation_token, **options):
                yield item
        except GeneratorExit:
            enforcer.report(permit, started, None)
            raise
        except BaseException as problem:
            enforcer.report(permit, started, problem)
            raise
        enforcer.report(permit, started, None)

    members: dict[str, Any] = {"run": run, "run_json": run_json}
    if hasattr(tool, "run_json_stream"):
        members["run_json_stream"] = run_json_stream
    return governed_copy(tool, name, members)


def _origin(call_id: str | None) -> Origin:
    return origin_from(None, call_id=call_id)
