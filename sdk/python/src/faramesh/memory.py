"""What was refused lately, so that one framework call is never evaluated twice.

Frameworks call a tool again under the same call id: a retry after an exception, a graph
that resumes, two wrappers around one tool. A refusal is then said again from here. A
permit is never kept: it lets one call run once, and running again is another call.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from .exceptions import ToolDeniedException

__all__ = ["Refusals", "Slot"]

_MAX_KEPT = 1024
_KEPT_SECONDS = 900.0

Key = tuple[str, str, str, str]


@dataclass
class Refusals:
    """At most 1024 refusals, each for at most 15 minutes. Safe for threads."""

    _kept: OrderedDict[Key, tuple[float, ToolDeniedException]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recall(self, key: Key) -> ToolDeniedException | None:
        with self._lock:
            since, denial = self._kept.get(key, (0.0, None))
            if denial is not None and time.monotonic() - since > _KEPT_SECONDS:
                del self._kept[key]
                return None
            return denial

    def keep(self, key: Key, denial: ToolDeniedException) -> None:
        with self._lock:
            self._kept[key] = (time.monotonic(), denial)
            self._kept.move_to_end(key)
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)

    def forget(self, key: Key) -> None:
        with self._lock:
            self._kept.pop(key, None)


@dataclass(frozen=True)
class Slot:
    """The place of one framework call in the memory; without a key it keeps nothing."""

    refusals: Refusals | None = None
    key: Key | None = None

    def recall(self) -> ToolDeniedException | None:
        return self.refusals.recall(self.key) if self.refusals and self.key else None

    def keep(self, denial: ToolDeniedException) -> None:
        if self.refusals and self.key:
            # Only its fields: a traceback would keep the caller's variables alive.
            copy = type(denial)(**denial.to_dict())
            self.refusals.keep(self.key, copy)

    def forget(self) -> None:
        if self.refusals and self.key:
            self.refusals.forget(self.key)
