"""A denial carries every field, reads well, and survives a process boundary."""

from __future__ import annotations

import pickle

import pytest

from faramesh import (
    BudgetReset,
    DaemonProtocolError,
    Operator,
    PendingApproval,
    PendingApprovals,
    Resolution,
    RetryAfter,
    RuleBlock,
    ToolDeferredException,
    ToolDeniedException,
    Unmet,
)
from faramesh.resolution import parse_resolution
from faramesh.wire import Call, parse_approval, parse_decision

CALL = Call(tool="stripe/refund", arguments={"amount": 8000}, call_id="c-1", agent_id="bot")
DEFER = {
    "effect": "DEFER",
    "code": "POLICY_DEFER",
    "human_message": "refunds of $500 and more need a person",
    "rule_ref": "governance.fms:12",
    "rule_id": "r-7",
    "action_id": "dpr-1",
    "call_id": "c-1",
    "policy_version": "sha256:ab",
    "retryable": False,
    "resolution": {"type": "pending_approval", "approval_id": "apr-1"},
    "next": "amount < 500",
    "approval_id": "apr-1",
    "defer_token": "apr-1",
}


def test_every_field_of_a_defer() -> None:
    with pytest.raises(ToolDeferredException) as caught:
        parse_decision(DEFER, CALL)
    denial = caught.value
    fields = denial.to_dict()
    assert {name: fields[name] for name in DEFER} == DEFER
    assert (fields["tool"], fields["agent_id"]) == ("stripe/refund", "bot")
    assert str(denial) == (
        "stripe/refund deferred: refunds of $500 and more need a person "
        "(the verdict changes if amount < 500); waits for approval apr-1 "
        "[POLICY_DEFER, governance.fms:12, dpr-1]"
    )
    match denial.resolution:
        case PendingApproval(approval_id):
            assert approval_id == "apr-1"
        case _:
            pytest.fail("the resolution has its own type")
    assert denial.resolution["approval_id"] == "apr-1"


def test_a_denial_without_details() -> None:
    with pytest.raises(ToolDeniedException) as caught:
        parse_decision({"effect": "DENY"}, CALL)
    assert not isinstance(caught.value, ToolDeferredException)
    assert str(caught.value) == "stripe/refund denied"
    assert caught.value.call_id == "c-1"
    assert caught.value.resolution == {}


@pytest.mark.parametrize("kind", [ToolDeniedException, ToolDeferredException])
def test_it_can_be_pickled(kind: type[ToolDeniedException]) -> None:
    denial = kind("no", code="X", resolution={"type": "operator"}, tool="t")
    again = pickle.loads(pickle.dumps(denial))
    assert type(again) is kind
    assert again.to_dict() == denial.to_dict()
    assert isinstance(again.resolution, Operator)


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"effect": "permit", "action_id": "dpr-1"},
        {"effect": "ALLOW", "action_id": "dpr-1"},
        {"effect": ["PERMIT"], "action_id": "dpr-1"},
        {"effect": "PERMIT"},
        {"effect": "PERMIT", "action_id": ""},
        {"effect": "PERMIT", "action_id": 7},
        {"effect": "PERMIT", "action_id": "dpr-1", "call_id": "another"},
    ],
)
def test_only_an_exact_permit_permits(result: dict[str, object]) -> None:
    with pytest.raises(DaemonProtocolError):
        parse_decision(result, CALL)


def test_a_permit_with_warnings() -> None:
    permit = parse_decision(
        {
            "effect": "PERMIT",
            "action_id": "dpr-1",
            "call_id": "c-1",
            "enforced": False,
            "policy_version": "sha256:ab",
            "warnings": [{"code": "BUDGET_WARNING", "message": "80% spent"}, "?"],
        },
        CALL,
    )
    assert permit.enforced is False
    assert [(w.code, w.message) for w in permit.warnings] == [("BUDGET_WARNING", "80% spent")]


def test_each_resolution_has_its_type() -> None:
    table = [
        ({"type": "rule_block", "rule_id": "r"}, RuleBlock, "rule_id", "r"),
        ({"type": "retry_after", "retry_after_seconds": 3}, RetryAfter, "retry_after_seconds", 3),
        ({"type": "budget_reset", "resets_at": "2026"}, BudgetReset, "resets_at", "2026"),
        (
            {"type": "pending_approvals", "approval_ids": ["a"]},
            PendingApprovals,
            "approval_ids",
            ("a",),
        ),
        ({"type": "unmet", "requirements": ["x"]}, Unmet, "requirements", ("x",)),
        ({"type": "operator"}, Operator, "type", "operator"),
        ({"type": "of tomorrow", "x": 1}, Resolution, "type", "of tomorrow"),
        (None, Resolution, "type", ""),
    ]
    for fields, kind, attribute, value in table:
        resolution = parse_resolution(fields)
        assert type(resolution) is kind
        assert getattr(resolution, attribute) == value


def test_an_unknown_status_is_not_an_approval() -> None:
    assert parse_approval({"status": "approved"}).status == "approved"
    assert parse_approval({"status": "APPROVED!"}).status == "unknown"
    assert parse_approval({}).status == "unknown"
