"""``GovernedToolSet``: a list of tools that ask Faramesh before they run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, SupportsIndex, TypeVar, overload

from . import settings
from .asking import Manners, OnDefer, OnDeny
from .callables import govern_callable
from .enforcement import Enforcer
from .frameworks import Wrapping, adapter_of
from .measuring import Measure
from .opening import open_transport
from .transport import Transport

__all__ = ["GovernedToolSet", "governed"]

Function = TypeVar("Function", bound=Callable[..., Any])


class GovernedToolSet(list[Any]):
    """The given tools, each wrapped so that a call runs only after a permit.

    It is a list, so it goes wherever a framework takes tools. ``tools["refund"]`` and
    ``tools.refund`` find one by the framework's name or by the governed one. A tool that
    is added later is governed too.

    ``names`` maps a tool's own name to the name that the policy uses
    (``{"refund": "stripe/refund"}``); a ``governed_name`` attribute on a function or in a
    LangChain tool's ``metadata`` does the same. ``hide_args`` names parameters that your
    code fills in and the policy must not see (a database handle, say).

    ``measure`` says of a result what it cost: ``{"cost": 0.02}`` in dollars, or ``{"usage":
    {"model": ..., "input_tokens": ..., "output_tokens": ...}}``, which the daemon prices.

    ``on_deny`` and ``on_defer`` are the framework's own way when they are not given: see
    the table in ``docs/frameworks``.
    """

    def __init__(
        self,
        tools: Iterable[Any] = (),
        *,
        agent_id: str | None = None,
        session_id: str | None = None,
        on_defer: OnDefer | None = None,
        on_deny: OnDeny | None = None,
        approval_timeout: float = 900.0,
        names: Mapping[str, str] | None = None,
        hide_args: Iterable[str] = (),
        principal: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        delegation: str | None = None,
        measure: Measure | None = None,
        transport: Transport | None = None,
        socket: str | os.PathLike[str] | None = None,
        url: str | None = None,
        token: str | None = None,
        timeout: float | None = None,
    ) -> None:
        super().__init__()
        self._names = dict(names or {})
        self._hidden = frozenset((hide_args,) if isinstance(hide_args, str) else hide_args)
        self._by_name: dict[str, Any] = {}
        self._enforcer = Enforcer(
            transport=open_transport(
                transport, socket=socket, url=url, token=token, timeout=timeout
            ),
            manners=Manners(on_defer, on_deny, approval_timeout),
            agent_id=settings.agent_id(agent_id),
            session_id=settings.session_id(session_id),
            principal=dict(principal or {}),
            tags=dict(tags or {}),
            delegation=delegation or "",
            measure=measure,
        )
        self.extend(tools)
        holds_toolset = any(hasattr(tool, "call_tool") for tool in self)
        unknown = [name for name in self._names if name not in self._by_name]
        if unknown and not holds_toolset:
            raise ValueError(
                f"`names` has no tool called `{unknown[0]}`; the tools are {self._listing()}"
            )

    @property
    def agent_id(self) -> str:
        return self._enforcer.agent_id

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> Any: ...
    @overload
    def __getitem__(self, key: slice, /) -> list[Any]: ...
    @overload
    def __getitem__(self, key: str, /) -> Any: ...
    def __getitem__(self, key: SupportsIndex | slice | str, /) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self._by_name:
            raise KeyError(f"no tool called `{key}`; the tools are {self._listing()}")
        return self._by_name[key]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_by_name"][name]
        except KeyError:
            raise AttributeError(f"no tool called `{name}`") from None

    def append(self, tool: Any, /) -> None:
        super().append(self._add(tool))

    def extend(self, tools: Iterable[Any], /) -> None:
        for tool in tools:
            self.append(tool)

    def insert(self, index: SupportsIndex, tool: Any, /) -> None:
        super().insert(index, self._add(tool))

    def __iadd__(self, tools: Iterable[Any], /) -> GovernedToolSet:  # type: ignore[misc]
        self.extend(tools)
        return self

    def __setitem__(self, key: Any, tool: Any, /) -> None:
        raise TypeError("tools can be added to a GovernedToolSet, not replaced in it")

    def _add(self, tool: Any) -> Any:
        if getattr(tool, "__faramesh_tool__", None):
            wrapped, name, own = tool, tool.__faramesh_tool__, own_name(tool)
        else:
            own = own_name(tool)
            name = self._names.get(own) or declared_name(tool) or own
            wrapped = self._wrap(tool, name)
        if own in self._by_name:
            raise ValueError(f"two tools are called `{own}`")
        self._by_name[own] = wrapped
        self._by_name.setdefault(name, wrapped)
        return wrapped

    def _wrap(self, tool: Any, name: str) -> Any:
        wrapping = Wrapping(name, self._enforcer, self._hidden, self._names)
        if adapter := adapter_of(tool):
            return adapter.govern(tool, wrapping)
        if callable(tool) and not isinstance(tool, type):
            enforcer = self._enforcer.for_framework("a plain function")
            return govern_callable(tool, name, enforcer, self._hidden)
        raise TypeError(
            f"cannot govern a `{type(tool).__name__}`; give a function or a tool of a framework "
            "in docs/frameworks"
        )

    def _listing(self) -> str:
        return ", ".join(f"`{name}`" for name in self._by_name) or "none"


@overload
def governed(tool: Function, /) -> Function: ...
@overload
def governed(
    tool: str | None = None,
    *,
    agent_id: str | None = None,
    session_id: str | None = None,
    on_defer: OnDefer | None = None,
    on_deny: OnDeny | None = None,
    approval_timeout: float = 900.0,
    hide_args: Iterable[str] = (),
    principal: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    delegation: str | None = None,
    measure: Measure | None = None,
    transport: Transport | None = None,
    socket: str | os.PathLike[str] | None = None,
    url: str | None = None,
    token: str | None = None,
    timeout: float | None = None,
) -> Callable[[Function], Function]: ...
def governed(
    tool: Any = None,
    *,
    agent_id: str | None = None,
    session_id: str | None = None,
    on_defer: OnDefer | None = None,
    on_deny: OnDeny | None = None,
    approval_timeout: float = 900.0,
    hide_args: Iterable[str] = (),
    principal: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    delegation: str | None = None,
    measure: Measure | None = None,
    transport: Transport | None = None,
    socket: str | os.PathLike[str] | None = None,
    url: str | None = None,
    token: str | None = None,
    timeout: float | None = None,
) -> Any:
    """Decorate one function: ``@governed`` or ``@governed("stripe/refund")``.

    Options as on the tool set.
    """
    if callable(tool):
        # `@governed` without parentheses.
        return governed()(tool)

    def decorate(function: Function) -> Function:
        own = own_name(function)
        tools = GovernedToolSet(
            [function],
            agent_id=agent_id,
            session_id=session_id,
            on_defer=on_defer,
            on_deny=on_deny,
            approval_timeout=approval_timeout,
            names={own: tool} if tool else None,
            hide_args=hide_args,
            principal=principal,
            tags=tags,
            delegation=delegation,
            measure=measure,
            transport=transport,
            socket=socket,
            url=url,
            token=token,
            timeout=timeout,
        )
        result: Function = tools[0]
        return result

    return decorate


def own_name(tool: Any) -> str:
    """What the framework calls the tool."""
    for attribute in ("name", "__name__"):
        if isinstance(name := getattr(tool, attribute, None), str) and name:
            return name
    told = getattr(getattr(tool, "metadata", None), "name", None)  # LlamaIndex
    if isinstance(told, str) and told:
        return told
    inner = getattr(tool, "func", None)  # functools.partial
    return getattr(inner, "__name__", None) or type(tool).__name__


def declared_name(tool: Any) -> str:
    """The governed name that the tool itself gives, or nothing."""
    metadata = getattr(tool, "metadata", None)
    name = metadata.get("governed_name") if isinstance(metadata, Mapping) else None
    name = name or getattr(tool, "governed_name", None)
    return name if isinstance(name, str) else ""
