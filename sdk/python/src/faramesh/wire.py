"""Requests and replies of the agents' socket, as values. No I/O.

A reply permits only if it says exactly that, names its record, and answers the call
that was sent; everything else becomes an exception.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .exceptions import DaemonProtocolError, ToolDeferredException, ToolDeniedException

__all__ = [
    "MAX_LINE_BYTES",
    "ApprovalStatus",
    "Call",
    "DecisionWarning",
    "Permit",
    "parse_approval",
    "parse_decision",
    "protocol_error",
    "read_object",
]

MAX_LINE_BYTES = 1024 * 1024
"""The longest line either side may send."""


@dataclass(frozen=True)
class Call:
    """One tool call to be decided. ``arguments`` are plain JSON values."""

    tool: str
    arguments: Mapping[str, Any]
    call_id: str
    agent_id: str = ""
    session_id: str = ""
    request_id: str = ""
    action: str = ""
    principal: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    delegation: str = ""

    def params(self) -> dict[str, Any]:
        """The ``params`` of a ``govern`` request; what is empty is not sent."""
        params: dict[str, Any] = {
            "tool": self.tool,
            "args": self.arguments,
            "call_id": self.call_id,
        }
        optional = {
            "agent": self.agent_id,
            "session": self.session_id,
            "request_id": self.request_id,
            "action": self.action,
            "principal": self.principal,
            "tags": self.tags,
            "delegation": self.delegation,
        }
        params.update((name, value) for name, value in optional.items() if value)
        return params


@dataclass(frozen=True)
class DecisionWarning:
    """A warning that came beside a permit, such as ``BUDGET_WARNING``."""

    code: str
    message: str = ""


@dataclass(frozen=True)
class Permit:
    """The daemon's leave to run one call once. ``enforced`` is false in audit mode."""

    action_id: str
    call_id: str
    policy_version: str = ""
    enforced: bool = True
    warnings: tuple[DecisionWarning, ...] = ()


@dataclass(frozen=True)
class ApprovalStatus:
    """What became of a deferred call: pending, approved, denied, expired or unknown."""

    status: str
    reason: str = ""


def parse_decision(result: Mapping[str, Any], call: Call) -> Permit:
    """The permit in ``result``; raises :class:`ToolDeniedException` for anything else."""
    effect = result.get("effect")
    if effect == "PERMIT":
        return _permit(result, call)
    if effect not in ("DENY", "DEFER"):
        raise protocol_error("the reply has no effect that this SDK knows", call)
    kind = ToolDeferredException if effect == "DEFER" else ToolDeniedException
    resolution = result.get("resolution")
    raise kind(
        effect=effect,
        code=_text(result, "code"),
        human_message=_text(result, "human_message"),
        rule_ref=_text(result, "rule_ref"),
        rule_id=_text(result, "rule_id"),
        action_id=_text(result, "action_id"),
        call_id=_text(result, "call_id") or call.call_id,
        retryable=result.get("retryable") is True,
        resolution=resolution if isinstance(resolution, Mapping) else None,
        defer_token=_text(result, "defer_token"),
        approval_id=_text(result, "approval_id"),
        next=_text(result, "next"),
        policy_version=_text(result, "policy_version"),
        tool=call.tool,
        agent_id=call.agent_id,
    )


def _permit(result: Mapping[str, Any], call: Call) -> Permit:
    action_id = _text(result, "action_id")
    if not action_id:
        raise protocol_error("the permit names no record", call)
    if result.get("call_id", call.call_id) != call.call_id:
        raise protocol_error("the permit is for another call", call)
    listed = result.get("warnings")
    warnings = listed if isinstance(listed, list) else []
    return Permit(
        action_id=action_id,
        call_id=call.call_id,
        policy_version=_text(result, "policy_version"),
        enforced=result.get("enforced") is not False,
        warnings=tuple(
            DecisionWarning(_text(item, "code"), _text(item, "message"))
            for item in warnings
            if isinstance(item, Mapping)
        ),
    )


def parse_approval(result: Mapping[str, Any]) -> ApprovalStatus:
    """The status in a ``poll_defer`` result; an unknown word reads as ``unknown``."""
    status = _text(result, "status")
    if status not in ("pending", "approved", "denied", "expired"):
        status = "unknown"
    return ApprovalStatus(status, _text(result, "reason"))


def protocol_error(problem: str, call: Call | None = None) -> DaemonProtocolError:
    """A refusal because the daemon's words cannot be trusted."""
    return DaemonProtocolError(
        code="DAEMON_PROTOCOL_ERROR",
        human_message=f"{problem}; the tool was not run",
        call_id=call.call_id if call else "",
        tool=call.tool if call else "",
        agent_id=call.agent_id if call else "",
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def read_object(text: bytes) -> Mapping[str, Any] | None:
    """The JSON object that these bytes are; ``None`` when they are something else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
