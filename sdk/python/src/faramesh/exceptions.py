"""The exceptions that stand where a tool's result would have been.

Whatever keeps a tool from running is a :class:`ToolDeniedException`, so one
``except`` fails closed. Texts here never hold argument values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .resolution import PendingApproval, Resolution, parse_resolution

__all__ = [
    "ArgumentsInvalid",
    "DaemonProtocolError",
    "DaemonTimeout",
    "DaemonUnreachable",
    "ToolDeferredException",
    "ToolDeniedException",
]


class ToolDeniedException(Exception):
    """The tool did not run. ``effect`` is ``"DENY"`` or ``"DEFER"``.

    ``code`` is stable and meant for programs; ``human_message`` is the reason in
    the words of the policy; ``rule_ref`` is the place of the rule
    (``governance.fms:12``); ``next`` is the smallest change that would alter the
    verdict, when the daemon could compute one.
    """

    def __init__(
        self,
        message: str = "",
        *,
        effect: str = "DENY",
        code: str = "",
        human_message: str = "",
        rule_ref: str = "",
        rule_id: str = "",
        action_id: str = "",
        call_id: str = "",
        retryable: bool = False,
        resolution: Mapping[str, Any] | None = None,
        defer_token: str = "",
        approval_id: str = "",
        next: str = "",
        policy_version: str = "",
        tool: str = "",
        agent_id: str = "",
    ) -> None:
        self.effect = effect
        self.code = code
        self.human_message = human_message or message
        self.rule_id = rule_id
        self.rule_ref = rule_ref
        self.action_id = action_id
        self.call_id = call_id
        self.retryable = retryable
        self.resolution: Resolution = parse_resolution(resolution)
        waiting_for = (
            self.resolution.approval_id if isinstance(self.resolution, PendingApproval) else ""
        )
        self.defer_token = defer_token or approval_id or waiting_for
        self.approval_id = approval_id or self.defer_token
        self.next = next
        self.policy_version = policy_version
        self.tool = tool
        self.agent_id = agent_id
        super().__init__(self.human_message)

    def __str__(self) -> str:
        verb = "deferred" if self.effect == "DEFER" else "denied"
        text = f"{self.tool or 'tool call'} {verb}"
        if self.human_message:
            text += f": {self.human_message}"
        if self.next:
            text += f" (the verdict changes if {self.next})"
        if self.effect == "DEFER" and self.approval_id:
            text += f"; waits for approval {self.approval_id}"
        place = ", ".join(part for part in (self.code, self.rule_ref, self.action_id) if part)
        return f"{text} [{place}]" if place else text

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain JSON values, for logs of your own or a model's eyes."""
        fields = {name: getattr(self, name) for name in _FIELDS}
        fields["resolution"] = dict(self.resolution)
        return fields


class ToolDeferredException(ToolDeniedException):
    """The call waits for a person; ``approval_id`` names what they answer."""


class DaemonUnreachable(ToolDeniedException):
    """No daemon answered, so the tool did not run. Code ``DAEMON_UNREACHABLE``."""


class DaemonTimeout(DaemonUnreachable):
    """The daemon took longer than ``FARAMESH_TIMEOUT_MS``. Code ``DAEMON_TIMEOUT``."""


class DaemonProtocolError(ToolDeniedException):
    """The reply was an error or could not be trusted. Code ``DAEMON_PROTOCOL_ERROR``."""


class ArgumentsInvalid(ToolDeniedException):
    """The arguments cannot be shown to the policy. Code ``ARGUMENTS_INVALID``."""


_FIELDS = (
    "effect",
    "code",
    "human_message",
    "rule_ref",
    "rule_id",
    "action_id",
    "call_id",
    "retryable",
    "resolution",
    "defer_token",
    "approval_id",
    "next",
    "policy_version",
    "tool",
    "agent_id",
)


def _rebuild(kind: type[ToolDeniedException], fields: dict[str, Any]) -> ToolDeniedException:
    return kind(**fields)
