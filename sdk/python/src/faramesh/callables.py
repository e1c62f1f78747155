"""Governed plain functions, methods, callable objects and generators, sync or async."""

from __future__ import annotations

import contextlib
import functools
import inspect
import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar, cast

from .arguments import bind_arguments, signature_of
from .asking import Instead
from .contexts import seen
from .enforcement import Enforcer
from .wire import Permit

__all__ = ["govern_callable", "is_async"]

Function = TypeVar("Function", bound=Callable[..., Any])


def govern_callable(
    function: Function,
    tool: str,
    enforcer: Enforcer,
    hidden: frozenset[str] = frozenset(),
    instead: Callable[[Instead], Any] | None = None,
) -> Function:
    """A stand-in for ``function``, with its name, text and signature, that asks first.

    ``instead`` makes the framework's kind of result of a stand-in for the result.
    """
    inner: Callable[..., Any] = function
    signature = signature_of(inner)
    hidden |= _receiver(inner, signature)

    if stream := _governed_stream(inner, tool, enforcer, signature, hidden):
        return cast(Function, _dressed(stream, inner, tool))

    if is_async(inner):

        async def governed_async(*args: Any, **kwargs: Any) -> Any:
            arguments, origin = seen(bind_arguments(signature, args, kwargs, hidden))
            work = functools.partial(inner, *args, **kwargs)
            return await enforcer.arun(tool, arguments, work, origin, instead)

        return cast(Function, _dressed(governed_async, inner, tool))

    def governed_sync(*args: Any, **kwargs: Any) -> Any:
        arguments, origin = seen(bind_arguments(signature, args, kwargs, hidden))
        work = functools.partial(inner, *args, **kwargs)
        return enforcer.run(tool, arguments, work, origin, instead)

    return cast(Function, _dressed(governed_sync, inner, tool))


def _governed_stream(
    inner: Callable[..., Any],
    tool: str,
    enforcer: Enforcer,
    signature: inspect.Signature | None,
    hidden: frozenset[str],
) -> Callable[..., Any] | None:
    """A generator function's stand-in, or ``None`` for anything else.

    A generator runs when it is iterated, so that is when it asks; its outcome is reported
    when it ends. A stand-in for its result is its one item.
    """
    parts = (_unwrapped(inner), _call_method(inner))
    if any(inspect.isgeneratorfunction(part) for part in parts):

        def governed_generator(*args: Any, **kwargs: Any) -> Any:
            bound = bind_arguments(signature, args, kwargs, hidden)
            permit = enforcer.decide(tool, *seen(bound))
            if isinstance(permit, Instead):
                yield permit.value
                return None
            with _reported(enforcer, permit):
                return (yield from inner(*args, **kwargs))

        return governed_generator
    if any(inspect.isasyncgenfunction(part) for part in parts):

        async def governed_async_generator(*args: Any, **kwargs: Any) -> Any:
            bound = bind_arguments(signature, args, kwargs, hidden)
            permit = await enforcer.adecide(tool, *seen(bound))
            if isinstance(permit, Instead):
                yield permit.value
                return
            with _reported(enforcer, permit):
                stream = inner(*args, **kwargs)
                try:
                    item = await anext(stream)
                    while True:
                        try:
                            sent = yield item
                        except GeneratorExit:
                            raise
                        except BaseException as problem:
                            item = await stream.athrow(problem)
                        else:
                            item = await stream.asend(sent)
                except StopAsyncIteration:
                    return
                finally:
                    await stream.aclose()

        return governed_async_generator
    return None


@contextlib.contextmanager
def _reported(enforcer: Enforcer, permit: Permit) -> Generator[None, None, None]:
    started = time.monotonic()
    try:
        yield
    except GeneratorExit:
        # Whoever reads a stream may stop early; the tool did not fail.
        enforcer.report(permit, started, None)
        raise
    except BaseException as problem:
        enforcer.report(permit, started, problem)
        raise
    enforcer.report(permit, started, None)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling ``function`` gives a coroutine."""
    parts = (_unwrapped(function), _call_method(function))
    return any(inspect.iscoroutinefunction(part) for part in parts)


def _receiver(function: Callable[..., Any], signature: inspect.Signature | None) -> frozenset[str]:
    """The name of ``self`` or ``cls`` in a function that a class defines, which no model fills in.

    A decorator meets a method before it is bound to anything.
    """
    inner = _unwrapped(function)
    owner = getattr(inner, "__qualname__", "").rpartition(".")[0]
    in_a_class = inspect.isfunction(inner) and owner and not owner.endswith("<locals>")
    first = next(iter(signature.parameters), "") if signature and in_a_class else ""
    return frozenset({first} & {"self", "cls"})


def _unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _call_method(function: Callable[..., Any]) -> Any:
    return getattr(type(function), "__call__", None)  # noqa: B004


def _dressed(wrapper: Callable[..., Any], inner: Callable[..., Any], tool: str) -> Any:
    functools.update_wrapper(wrapper, inner)
    if not hasattr(inner, "__name__"):
        wrapper.__name__ = wrapper.__qualname__ = type(inner).__name__
    wrapper.__faramesh_tool__ = tool  # type: ignore[attr-defined]
    return wrapper
