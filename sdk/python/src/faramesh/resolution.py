"""What would let a refused call through, as one small type per case.

Every resolution is also a read-only mapping of the fields the daemon sent, so
``denial.resolution["approval_id"]`` and a ``match`` statement both work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = [
    "BudgetReset",
    "Operator",
    "PendingApproval",
    "PendingApprovals",
    "Resolution",
    "RetryAfter",
    "RuleBlock",
    "Unmet",
    "parse_resolution",
]


class Resolution(Mapping[str, Any]):
    """A resolution whose type this version of the SDK does not know, or none at all."""

    __match_args__: tuple[str, ...] = ("type",)

    def __init__(self, fields: Mapping[str, Any] | None = None) -> None:
        self._fields: dict[str, Any] = dict(fields or {})
        self.type: str = str(self._fields.get("type", ""))

    def __getitem__(self, key: str) -> Any:
        return self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._fields!r})"


class RuleBlock(Resolution):
    """A rule refuses the call; only another call or another policy changes that."""

    __match_args__ = ("rule_id",)

    @property
    def rule_id(self) -> str:
        return str(self._fields.get("rule_id", ""))


class PendingApproval(Resolution):
    """A person has to answer the approval first."""

    __match_args__ = ("approval_id",)

    @property
    def approval_id(self) -> str:
        return str(self._fields.get("approval_id", ""))


class RetryAfter(Resolution):
    """The same call may pass after this many seconds."""

    __match_args__ = ("retry_after_seconds",)

    @property
    def retry_after_seconds(self) -> float:
        value = self._fields.get("retry_after_seconds", 0)
        return float(value) if isinstance(value, (int, float)) else 0.0


class BudgetReset(Resolution):
    """The budget is spent until this RFC 3339 instant."""

    __match_args__ = ("resets_at",)

    @property
    def resets_at(self) -> str:
        return str(self._fields.get("resets_at", ""))


class PendingApprovals(Resolution):
    """The task cannot complete while these approvals wait."""

    __match_args__ = ("approval_ids",)

    @property
    def approval_ids(self) -> tuple[str, ...]:
        return _texts(self._fields.get("approval_ids"))


class Unmet(Resolution):
    """The task cannot complete until these requirements hold."""

    __match_args__ = ("requirements",)

    @property
    def requirements(self) -> tuple[str, ...]:
        return _texts(self._fields.get("requirements"))


class Operator(Resolution):
    """Only an operator can lift this: the agent or its session was stopped."""


_BY_TYPE: dict[str, type[Resolution]] = {
    "rule_block": RuleBlock,
    "pending_approval": PendingApproval,
    "retry_after": RetryAfter,
    "budget_reset": BudgetReset,
    "pending_approvals": PendingApprovals,
    "unmet": Unmet,
    "operator": Operator,
}


def parse_resolution(fields: object) -> Resolution:
    """The typed form of a reply's ``resolution``; never fails."""
    if isinstance(fields, Resolution):
        return fields
    if not isinstance(fields, Mapping):
        return Resolution()
    return _BY_TYPE.get(str(fields.get("type", "")), Resolution)(fields)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else ()
