"""One module per framework, each imported only when a tool of that framework is met.

A module has ``accepts(tool)``, ``govern(tool, wrapping)``, which gives a governed copy
and leaves the original as it is, and ``PATCHES`` for the autoload; with a patch of
``CALLS`` also ``asking(owner, method, run, enforcer)``, which gives the method that asks
before it runs ``run``, or ``None`` when what it calls asks by itself. None of them is the
place of a decision: all go through :class:`~faramesh.enforcement.Enforcer`.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..enforcement import Enforcer

__all__ = [
    "ADAPTERS",
    "CALLS",
    "REFUSED",
    "Adapter",
    "Patch",
    "Wrapping",
    "adapter_of",
    "governed_copy",
    "load",
]


@dataclass(frozen=True)
class Wrapping:
    """Under which name a tool is governed, by whom, and what the policy must not see."""

    name: str
    enforcer: Enforcer
    hidden: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)


CALLS = "calls"
"""The ``way`` of a patch: the methods call tools by name, and no single tool is there."""

REFUSED = "refused"
"""The ``way`` of a patch: such a tool runs here by ways of its own, which nothing governs."""


@dataclass(frozen=True)
class Patch:
    """Where the autoload takes hold: ``methods`` of ``kind`` and its subclasses in ``module``."""

    module: str
    kind: str
    methods: tuple[str, ...]
    way: str = "tool"

    @property
    def package(self) -> str:
        """The framework's own package, below the one that it shares with others."""
        parts = self.module.split(".")
        return ".".join(parts[: 2 if parts[0] in ("google", "llama_index") else 1])


class Adapter(Protocol):
    """What a framework's module offers."""

    PATCHES: tuple[Patch, ...]

    def accepts(self, tool: Any) -> bool: ...

    def govern(self, tool: Any, wrapping: Wrapping) -> Any: ...


ADAPTERS: dict[str, str] = {
    "langchain_core": "langchain",
    "agents": "openai_agents",
    "pydantic_ai": "pydantic_ai",
    "crewai": "crewai",
    "llama_index": "llama_index",
    "google": "google_adk",
    "autogen_core": "autogen",
    "ag2": "ag2",
    "anthropic": "anthropic",
}
"""The first part of a framework's module names, and the module here that knows it."""


def load(adapter: str) -> Adapter:
    """The adapter's module."""
    found: Any = importlib.import_module(f"{__name__}.{adapter}")
    adapter_module: Adapter = found
    return adapter_module


def adapter_of(tool: object) -> Adapter | None:
    """The adapter that knows this tool's class, or ``None`` for plain callables."""
    roots = dict.fromkeys(kind.__module__.partition(".")[0] for kind in type(tool).__mro__)
    for root in roots:
        if name := ADAPTERS.get(root):
            adapter = load(name)
            if adapter.accepts(tool):
                return adapter
    return None


def governed_copy(tool: Any, name: str, members: Mapping[str, Any]) -> Any:
    """A copy of ``tool`` whose class is a subclass of its own, with these methods replaced.

    ``isinstance``, names, descriptions and schemas stay as they were.
    """
    kind: Any = type(tool)
    body = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
        "__faramesh_tool__": name,
        **members,
    }
    if not hasattr(tool, "__dict__"):
        body["__slots__"] = ()
    governed_class = type(kind)(kind.__name__, (kind,), body)
    governed = copy.copy(tool)
    object.__setattr__(governed, "__class__", governed_class)
    return governed
