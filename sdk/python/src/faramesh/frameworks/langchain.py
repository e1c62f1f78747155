"""Governed LangChain and LangGraph tools.

A governed tool is a copy whose class is a subclass of the tool's own class, so
``isinstance``, name, description and ``args_schema`` stay as they were; only
``_run`` and ``_arun`` ask first, then run on the untouched original. LangChain is
never imported: a tool that is here has already imported it.

A refusal is raised and comes out of ``invoke``. ``on_defer="interrupt"`` is LangGraph's
interrupt: the graph pauses until it is resumed after the answer.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ..arguments import bind_arguments, signature_of
from ..callables import govern_callable
from ..exceptions import ToolDeferredException
from ..origin import NOWHERE, Origin, origin_from
from . import Patch, Wrapping, governed_copy

__all__ = ["PATCHES", "accepts", "govern"]

PATCHES = (Patch("langchain_core.tools.base", "BaseTool", ("run", "arun")),)

_MAX_INTERRUPTS = 64

_ORIGIN: ContextVar[Origin] = ContextVar("faramesh_langchain_origin", default=NOWHERE)


def accepts(tool: object) -> bool:
    """True for instances of LangChain's ``BaseTool``."""
    base = _base_tool()
    return isinstance(base, type) and isinstance(tool, base)


def _base_tool() -> Any:
    return getattr(sys.modules.get("langchain_core.tools"), "BaseTool", None)


def govern(tool: Any, wrapping: Wrapping) -> Any:
    """The governed copy of ``tool``; the original stays as it is."""
    original_class: Any = type(tool)
    name, hidden = wrapping.name, wrapping.hidden
    enforcer = wrapping.enforcer.for_framework("LangChain", interrupt=_interrupt)
    arguments_of = _arguments_reader(tool, hidden)
    # LangChain reads from the signature what to pass. Its own `_arun` says nothing
    # there and runs `_run`, so a tool without async code is asked about that one.
    inherits_arun = original_class._arun is _base_tool()._arun

    @functools.wraps(original_class._run)
    def _run(self: Any, *args: Any, **kwargs: Any) -> Any:
        work = functools.partial(tool._run, *args, **kwargs)
        return enforcer.run(name, arguments_of(args, kwargs), work, _ORIGIN.get())

    @functools.wraps(original_class._run if inherits_arun else original_class._arun)
    async def _arun(self: Any, *args: Any, **kwargs: Any) -> Any:
        work = functools.partial(tool._arun, *args, **kwargs)
        return await enforcer.arun(name, arguments_of(args, kwargs), work, _ORIGIN.get())

    @functools.wraps(original_class.run)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = _ORIGIN.set(_origin(kwargs))
        try:
            return original_class.run(self, *args, **kwargs)
        finally:
            _ORIGIN.reset(token)

    @functools.wraps(original_class.arun)
    async def arun(self: Any, *args: Any, **kwargs: Any) -> Any:
        token = _ORIGIN.set(_origin(kwargs))
        try:
            return await original_class.arun(self, *args, **kwargs)
        finally:
            _ORIGIN.reset(token)

    governed = governed_copy(tool, name, {"_run": _run, "_arun": _arun, "run": run, "arun": arun})
    # Some code reaches past `invoke` for the function itself.
    for attribute in ("func", "coroutine"):
        function = getattr(tool, attribute, None)
        if callable(function):
            governed.__dict__[attribute] = govern_callable(
                function, name, enforcer, hidden | _not_from_the_model(tool)
            )
    return governed


def _origin(options: Mapping[str, Any]) -> Origin:
    """What the ``RunnableConfig`` of this call says, and the model's id of the call."""
    config = options.get("config") or {}
    configurable = config.get("configurable") or {}
    metadata = config.get("metadata") or {}
    thread = configurable.get("thread_id")
    called = {"call_id": options.get("tool_call_id"), "scope": thread, "thread": thread}
    told = origin_from(configurable, **called)
    beside = origin_from(metadata)
    run_id = config.get("run_id") or metadata.get("run_id")
    return dataclasses.replace(
        told,
        session_id=told.session_id or beside.session_id,
        request_id=told.request_id or beside.request_id or (str(run_id) if run_id else ""),
        principal={**beside.principal, **told.principal},
        tags={**origin_from({"tags": config.get("tags")}).tags, **beside.tags, **told.tags},
    )


def _interrupt(denial: ToolDeferredException) -> None:
    """Pause the graph. It runs this node again when it is resumed, and the call is looked
    up by then; while nobody has answered it pauses once more."""
    try:
        interrupt = importlib.import_module("langgraph.types").interrupt
    except ImportError:
        return
    for _ in range(_MAX_INTERRUPTS):
        interrupt({"faramesh": denial.to_dict()})


def _arguments_reader(
    tool: Any, hidden: frozenset[str]
) -> Callable[[tuple[Any, ...], Mapping[str, Any]], dict[str, Any]]:
    """How to see the model's arguments in what LangChain passes to ``_run``."""
    unseen = hidden | _not_from_the_model(tool)
    signature = signature_of(type(tool)._run)
    parameters = list(signature.parameters.values())[1:] if signature else []
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        positional = list(tool.args)
    else:
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        positional = [p.name for p in parameters if p.kind in kinds and p.name not in unseen]

    def arguments_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        named = dict(zip(positional, args, strict=False))
        rest = args[len(positional) :]
        if rest or any(key in kwargs for key in named):
            return bind_arguments(None, args, kwargs, unseen)
        return {k: v for k, v in {**named, **kwargs}.items() if k not in unseen}

    return arguments_of


def _not_from_the_model(tool: Any) -> frozenset[str]:
    """Parameters that LangChain or LangGraph fills in: run manager, config, state, store.

    None of them is in the schema that the model is offered.
    """
    names: set[str] = set(getattr(tool, "_injected_args_keys", ()))
    names |= _fields(tool.get_input_schema()) - _fields(tool.tool_call_schema)
    for method in (type(tool)._run, type(tool)._arun):
        names |= _config_parameters(method) | (_parameters(method) & {"run_manager"})
    for function in (getattr(tool, "func", None), getattr(tool, "coroutine", None)):
        if callable(function):
            names |= _config_parameters(function) | (_parameters(function) & {"callbacks"})
    return frozenset(names)


def _parameters(method: Callable[..., Any]) -> set[str]:
    signature = signature_of(method)
    return set(signature.parameters) if signature else set()


def _fields(schema: Any) -> set[str]:
    if isinstance(schema, Mapping):
        return set(schema.get("properties", {}))
    return set(getattr(schema, "model_fields", None) or getattr(schema, "__fields__", None) or ())


def _config_parameters(method: Callable[..., Any]) -> set[str]:
    module = sys.modules.get("langchain_core.runnables")
    config_type = getattr(module, "RunnableConfig", None)
    if config_type is None:
        return set()
    try:
        hints = typing.get_type_hints(method)
    except Exception:  # an annotation that cannot be resolved says nothing about config
        return set()
    return {
        parameter
        for parameter, hint in hints.items()
        if hint is config_type or config_type in typing.get_args(hint)
    }
