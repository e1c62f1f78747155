"""Ids of calls: unlike any other, in whatever process or fork they are made, and made without the
system call that a random number costs each time.
"""

from __future__ import annotations

import itertools
import os
import uuid

__all__ = ["new_call_id"]


class _Ids:
    """A random beginning for this process, and numbers."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.beginning = uuid.uuid4().hex
        self.numbers = itertools.count(1)


_ids = _Ids()
# A fork would go on with its parent's numbers.
os.register_at_fork(after_in_child=_ids.renew)


def new_call_id() -> str:
    """An id for one call; a retry of the call keeps it."""
    return f"{_ids.beginning}-{next(_ids.numbers):x}"
