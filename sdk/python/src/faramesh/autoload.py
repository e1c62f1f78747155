"""``FARAMESH_AUTOLOAD``: govern a process's tools without a change to its code.

``install`` patches the frameworks that are imported already and watches the import of the
others. ``strict`` fails closed: an agent framework that this SDK cannot patch, because it
does not know it or because it has changed, cannot be imported. Tools that the code
governs itself are left alone.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.abc
import importlib.machinery
import importlib.metadata
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

from . import settings
from .enforcement import Enforcer
from .frameworks import (
    ADAPTERS,
    CALLS,
    REFUSED,
    Adapter,
    Patch,
    Wrapping,
    adapter_of,
    governed_copy,
    load,
)
from .opening import open_transport

__all__ = ["AutoloadError", "install", "install_from_environment"]

UNKNOWN = frozenset(
    {
        "agno",
        "autogen",
        "beeai_framework",
        "camel",
        "dspy",
        "griptape",
        "haystack",
        "langroid",
        "letta",
        "marvin",
        "metagpt",
        "phi",
        "semantic_kernel",
        "smolagents",
        "strands",
        "swarm",
    }
)
"""Agent frameworks that no adapter knows, by the name of their module."""

_COMMON_WORDS = {"agents": "openai-agents"}
"""Packages that may be anybody's, and the distribution that makes one the framework's."""

_lock = threading.RLock()
_installed: _Watcher | None = None


class AutoloadError(ImportError):
    """``FARAMESH_AUTOLOAD=strict`` found an agent framework that it cannot govern."""


def install_from_environment() -> None:
    """What the package does when it is imported, and its ``.pth`` file at start."""
    wanted = os.environ.get("FARAMESH_AUTOLOAD", "").strip()
    if wanted in ("", "0"):
        return
    if wanted not in ("1", "strict"):
        raise AutoloadError(f"FARAMESH_AUTOLOAD is 1 or strict, not `{wanted}`")
    install(strict=wanted == "strict")


def install(*, strict: bool = False, enforcer: Enforcer | None = None) -> None:
    """Patch now and from now on. A second call does nothing but make it strict."""
    global _installed
    with _lock:
        if _installed is not None:
            _installed.strict = _installed.strict or strict
            _installed.refuse_what_is_there()
            return
        _installed = _Watcher(strict, enforcer)
        sys.meta_path.insert(0, _installed)
        _installed.refuse_what_is_there()
        for name in list(_installed.patches):
            if module := sys.modules.get(name):
                _installed.patch(module)


class _Watcher(importlib.abc.MetaPathFinder):
    """Finds nothing itself; patches the modules that carry tools once they are executed."""

    def __init__(self, strict: bool, enforcer: Enforcer | None) -> None:
        self.strict = strict
        self._enforcer = enforcer
        # By identity: frameworks' tools may be equal to each other, or have no hash.
        self._governed: dict[int, tuple[weakref.ref[Any], Any]] = {}
        self._finding = threading.local()
        self._done: set[str] = set()
        self.patches: dict[str, list[tuple[str, Adapter, Patch]]] = {}
        self._modules_of: dict[str, list[str]] = {}
        for name in ADAPTERS.values():
            adapter = load(name)
            for patch in adapter.PATCHES:
                self.patches.setdefault(patch.module, []).append((name, adapter, patch))
                self._modules_of.setdefault(patch.package, []).append(patch.module)

    def refuse_what_is_there(self) -> None:
        for name in UNKNOWN & sys.modules.keys():
            self._unknown(name)
        for name in self._modules_of.keys() & sys.modules.keys():
            self._look_for_modules(name, getattr(sys.modules[name], "__path__", ()))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname in UNKNOWN:
            self._unknown(fullname)
        known = fullname in self.patches or fullname in self._modules_of
        if not known or getattr(self._finding, "busy", False):
            return None
        self._finding.busy = True
        try:
            spec = _found(fullname, path)
            if spec is not None and fullname in self._modules_of:
                self._look_for_modules(fullname, spec.submodule_search_locations or ())
        finally:
            self._finding.busy = False
        if fullname not in self.patches:
            return None
        if spec is not None and spec.loader is not None:
            spec.loader = _PatchingLoader(spec.loader, self)
        return spec

    def _look_for_modules(self, package: str, path: Iterable[str]) -> None:
        """A module to patch that is not there would never be imported, and so never patched."""
        if package in _COMMON_WORDS and not _is_installed(_COMMON_WORDS[package]):
            return
        for module in self._modules_of[package]:
            name, places = package, list(path)
            for part in module[len(package) + 1 :].split("."):
                name = f"{name}.{part}"
                try:
                    spec = _found(name, places)
                except KeyError:
                    # A folder without `__init__.py`: Python wants its parent imported first.
                    places = [os.path.join(place, part) for place in places]
                    continue
                if spec is None:
                    self._failed(f"`{package}` is here and `{module}`, which has its tools, is not")
                    break
                places = list(spec.submodule_search_locations or ())

    def patch(self, module: ModuleType) -> None:
        """Patch one module that has just been executed; tells what it did."""
        if module.__name__ in self._done:
            return
        for framework, adapter, patch in self.patches[module.__name__]:
            kind = getattr(module, patch.kind, None)
            if patch.way == REFUSED:
                # Not every version has every such tool.
                if kind is not None:
                    _patch_method(kind, "__init__", self, adapter, _refused_init)
                continue
            missing = [method for method in patch.methods if not hasattr(kind, method)]
            if kind is None or missing:
                self._failed(f"{framework}: `{patch.module}.{patch.kind}` is not as expected")
                continue
            for method in patch.methods:
                make = _governed_init if method == "__init__" else _governed_method
                make = _asking_method if patch.way == CALLS else make
                _patch_method(kind, method, self, adapter, make)
            methods = ", ".join(patch.methods)
            _say(f"governs {framework}: {patch.module}.{patch.kind} ({methods})")
        # Only now: a module that was refused is refused again when its import is tried again.
        self._done.add(module.__name__)

    def governed(self, tool: Any, adapter: Adapter) -> Any:
        """The governed copy of ``tool``, made once, over a copy that runs unpatched."""
        with _lock:
            if (known := self._governed.get(id(tool))) is not None:
                return known[1]
            made = self.govern(tool, adapter)
            forget = functools.partial(self._governed.pop, id(tool), None)
            # One that cannot be referred to weakly is made anew for each call.
            with contextlib.suppress(TypeError):
                self._governed[id(tool)] = (weakref.ref(tool, lambda _: forget()), made)
            return made

    def govern(self, tool: Any, adapter: Adapter) -> Any:
        """A new governed copy of ``tool``."""
        from .toolset import declared_name, own_name

        name = declared_name(tool) or own_name(tool)
        # The inside is marked as governed, so that it runs without being asked for again.
        inside = governed_copy(tool, name, {})
        return adapter.govern(inside, Wrapping(name, self.enforcer()))

    def refuse(self, tool: Any) -> None:
        """Such a tool runs here, and no adapter can ask before it does."""
        self._failed(
            f"a `{type(tool).__name__}` of `{type(tool).__module__}` runs by ways of its own",
            "Have a function do its work, which can be governed",
        )

    def enforcer(self) -> Enforcer:
        if self._enforcer is None:
            self._enforcer = Enforcer(
                transport=open_transport(),
                agent_id=settings.agent_id(),
                session_id=settings.session_id(),
            )
        return self._enforcer

    def _unknown(self, name: str) -> None:
        self._failed(f"no adapter for the agent framework `{name}`")

    def _failed(
        self,
        problem: str,
        hint: str = "Govern its tools with GovernedToolSet and set FARAMESH_AUTOLOAD=1",
    ) -> None:
        if self.strict:
            raise AutoloadError(
                f"faramesh: {problem}; FARAMESH_AUTOLOAD=strict does not let it run ungoverned. "
                f"{hint}"
            )
        _say(f"does NOT govern: {problem}")


def _found(name: str, path: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
    """What the other finders find, without importing the packages above it."""
    for finder in list(sys.meta_path):
        if isinstance(finder, _Watcher) or not hasattr(finder, "find_spec"):
            continue
        if (spec := finder.find_spec(name, path)) is not None:
            return spec
    return None


def _is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


class _PatchingLoader(importlib.abc.Loader):
    """The module's own loader, and then the patch."""

    def __init__(self, loader: Any, watcher: _Watcher) -> None:
        self._loader = loader
        self._watcher = watcher

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._watcher.patch(module)


def _patch_method(
    kind: Any, method: str, watcher: _Watcher, adapter: Adapter, make: Callable[..., Any]
) -> None:
    """Replace ``method`` of ``kind``, of the subclasses there are and of those to come."""

    def replace(owner: Any) -> None:
        own = owner.__dict__.get(method)
        if "__faramesh_tool__" in owner.__dict__ or not callable(own):
            return
        if not hasattr(own, "__faramesh_patch__"):
            patched = make(own, method, watcher, adapter)
            patched.__faramesh_patch__ = own
            setattr(owner, method, patched)

    pending = [kind]
    while pending:
        owner = pending.pop()
        replace(owner)
        pending.extend(type.__subclasses__(owner))
    if method == "__init__":
        return
    before = kind.__dict__.get("__init_subclass__")

    def init_subclass(cls: Any, /, **options: Any) -> None:
        if before is None:
            super(kind, cls).__init_subclass__(**options)
        else:
            before.__get__(None, cls)(**options)
        replace(cls)

    kind.__init_subclass__ = classmethod(init_subclass)


def _is_settled(tool: Any) -> bool:
    """Whether it is governed already, or is the inside of one that is."""
    return bool(getattr(tool, "__faramesh_tool__", None))


def _governed_method(
    original: Callable[..., Any], method: str, watcher: _Watcher, adapter: Adapter
) -> Any:
    @functools.wraps(original)
    def patched(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_settled(self) or adapter_of(self) is not adapter:
            return original(self, *args, **kwargs)
        return getattr(watcher.governed(self, adapter), method)(*args, **kwargs)

    return patched


def _governed_init(
    original: Callable[..., Any], method: str, watcher: _Watcher, adapter: Adapter
) -> Any:
    """For tools that are called through an attribute: they are governed when made."""

    @functools.wraps(original)
    def patched(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if _is_settled(self) or not adapter.accepts(self):
            return
        made = watcher.govern(self, adapter)
        self.__dict__.update(vars(made))

    return patched


def _asking_method(
    original: Callable[..., Any], method: str, watcher: _Watcher, adapter: Any
) -> Any:
    """For what calls tools by name and keeps connections, of which there is no copy."""

    @functools.wraps(original)
    def patched(self: Any, *args: Any, **kwargs: Any) -> Any:
        run = functools.partial(original, self)
        asking = adapter.asking(self, method, run, watcher.enforcer())
        return (asking or run)(*args, **kwargs)

    return patched


def _refused_init(
    original: Callable[..., Any], method: str, watcher: _Watcher, adapter: Adapter
) -> Any:
    @functools.wraps(original)
    def patched(self: Any, *args: Any, **kwargs: Any) -> None:
        watcher.refuse(self)
        original(self, *args, **kwargs)

    return patched


def _say(what: str) -> None:
    print(f"faramesh: {what}", file=sys.stderr, flush=True)
