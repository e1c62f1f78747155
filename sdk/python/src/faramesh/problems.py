"""What went wrong with one call, before or beside a decision, for every transport."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from .exceptions import ArgumentsInvalid, ToolDeniedException

__all__ = ["about", "cannot_send"]

Denial = TypeVar("Denial", bound=ToolDeniedException)


def about(error: Denial, params: Mapping[str, Any]) -> Denial:
    """The same error, with what it knows of the call filled in."""
    error.tool = error.tool or str(params.get("tool", ""))
    error.call_id = error.call_id or str(params.get("call_id", ""))
    error.agent_id = error.agent_id or str(params.get("agent", ""))
    return error


def cannot_send(problem: str, params: Mapping[str, Any]) -> ArgumentsInvalid:
    """The call cannot be put into words that the daemon reads."""
    error = ArgumentsInvalid(
        code="ARGUMENTS_INVALID", human_message=f"{problem}; the tool was not run"
    )
    return about(error, params)
