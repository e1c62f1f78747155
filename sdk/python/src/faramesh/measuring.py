"""What a run used and cost, for the daemon's budgets: never what it returned."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["NOTHING", "Measure", "measured"]

logger = logging.getLogger("faramesh")

#: Says of a result what it cost: ``{"cost": 0.02}`` in dollars, or ``{"usage": {"model": ..., "input_tokens": ...,
#: "output_tokens": ...}}``, which the daemon prices.
Measure = Callable[[Any], "Mapping[str, Any] | None"]

#: There is no result.
NOTHING = object()


def measured(result: Any, measure: Measure | None) -> dict[str, Any]:
    """The ``cost`` and ``usage`` of an outcome."""
    if result is NOTHING:
        return {}
    usage: dict[str, Any] = {}
    if (size := _size(result)) is not None:
        usage["output_bytes"] = size
    said: Mapping[str, Any] = {}
    if measure is not None:
        try:
            said = measure(result) or {}
            usage.update(said.get("usage") or {})
        except Exception as problem:
            # The tool has run: what it returned must reach the caller, measured or not.
            logger.warning("`measure` failed: %s", type(problem).__name__)
            said = {}
    outcome: dict[str, Any] = {"usage": usage} if usage else {}
    if said.get("cost") is not None:
        outcome["cost"] = said["cost"]
    return outcome


def _size(result: Any) -> int | None:
    """The bytes of a text or of bytes; to measure anything else would cost more than it tells."""
    if isinstance(result, str):
        return len(result) if result.isascii() else len(result.encode("utf-8", "surrogatepass"))
    if isinstance(result, (bytes, bytearray, memoryview)):
        return memoryview(result).nbytes
    return None
