"""Governed plain functions, methods and callable objects, sync or async."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from .arguments import bind_arguments, signature_of
from .enforcement import Enforcer

__all__ = ["govern_callable", "is_async"]

Function = TypeVar("Function", bound=Callable[..., Any])


def govern_callable(
    function: Function, tool: str, enforcer: Enforcer, hidden: frozenset[str] = frozenset()
) -> Function:
    """A stand-in for ``function``, with its name, text and signature, that asks first."""
    inner: Callable[..., Any] = function
    for part in (inner, _call_method(inner)):
        if inspect.isgeneratorfunction(part) or inspect.isasyncgenfunction(part):
            raise TypeError(
                f"cannot govern `{tool}`: it is a generator, which runs after it returns; "
                "return a list, or call the generator inside a function"
            )
    signature = signature_of(inner)

    if is_async(inner):

        async def governed_async(*args: Any, **kwargs: Any) -> Any:
            arguments = bind_arguments(signature, args, kwargs, hidden)
            return await enforcer.arun(tool, arguments, lambda: inner(*args, **kwargs))

        return cast(Function, _dressed(governed_async, inner, tool))

    def governed_sync(*args: Any, **kwargs: Any) -> Any:
        arguments = bind_arguments(signature, args, kwargs, hidden)
        return enforcer.run(tool, arguments, lambda: inner(*args, **kwargs))

    return cast(Function, _dressed(governed_sync, inner, tool))


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling ``function`` gives a coroutine."""
    while isinstance(function, functools.partial):
        function = function.func
    return any(inspect.iscoroutinefunction(part) for part in (function, _call_method(function)))


def _call_method(function: Callable[..., Any]) -> Any:
    return getattr(type(function), "__call__", None)  # noqa: B004


def _dressed(wrapper: Callable[..., Any], inner: Callable[..., Any], tool: str) -> Any:
    functools.update_wrapper(wrapper, inner)
    if not hasattr(inner, "__name__"):
        wrapper.__name__ = wrapper.__qualname__ = type(inner).__name__
    wrapper.__faramesh_tool__ = tool  # type: ignore[attr-defined]
    return wrapper
