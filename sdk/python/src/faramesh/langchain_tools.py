"""Governed LangChain and LangGraph tools.

A governed tool is a copy whose class is a subclass of the tool's own class, so
``isinstance``, name, description and ``args_schema`` stay as they were; only
``_run`` and ``_arun`` ask first, then run on the untouched original. LangChain is
never imported: a tool that is here has already imported it.
"""

from __future__ import annotations

import copy
import functools
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from typing import Any

from .arguments import bind_arguments, signature_of
from .callables import govern_callable
from .enforcement import Enforcer

__all__ = ["govern_langchain_tool", "is_langchain_tool"]


def is_langchain_tool(tool: object) -> bool:
    """True for instances of LangChain's ``BaseTool``."""
    base = _base_tool()
    return isinstance(base, type) and isinstance(tool, base)


def _base_tool() -> Any:
    return getattr(sys.modules.get("langchain_core.tools"), "BaseTool", None)


def govern_langchain_tool(
    tool: Any, name: str, enforcer: Enforcer, hidden: frozenset[str] = frozenset()
) -> Any:
    """The governed copy of ``tool``; the original stays as it is."""
    original_class: Any = type(tool)
    arguments_of = _arguments_reader(tool, hidden)
    # LangChain reads from the signature what to pass. Its own `_arun` says nothing
    # there and runs `_run`, so a tool without async code is asked about that one.
    inherits_arun = original_class._arun is _base_tool()._arun

    @functools.wraps(original_class._run)
    def _run(self: Any, *args: Any, **kwargs: Any) -> Any:
        arguments = arguments_of(args, kwargs)
        return enforcer.run(name, arguments, lambda: tool._run(*args, **kwargs))

    @functools.wraps(original_class._run if inherits_arun else original_class._arun)
    async def _arun(self: Any, *args: Any, **kwargs: Any) -> Any:
        arguments = arguments_of(args, kwargs)
        return await enforcer.arun(name, arguments, lambda: tool._arun(*args, **kwargs))

    governed_class = type(original_class)(
        original_class.__name__,
        (original_class,),
        {
            "__module__": original_class.__module__,
            "__qualname__": original_class.__qualname__,
            "__doc__": original_class.__doc__,
            "__faramesh_tool__": name,
            "_run": _run,
            "_arun": _arun,
        },
    )
    governed = copy.copy(tool)
    object.__setattr__(governed, "__class__", governed_class)
    # Some code reaches past `invoke` for the function itself.
    for attribute in ("func", "coroutine"):
        function = getattr(tool, attribute, None)
        if callable(function):
            governed.__dict__[attribute] = govern_callable(
                function, name, enforcer, hidden | _not_from_the_model(tool)
            )
    return governed


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
