"""Who a call is from, and that one framework call is evaluated once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from faramesh import GovernedToolSet, StubTransport, ToolDeferredException, ToolDeniedException
from faramesh.contexts import calling
from faramesh.memory import Refusals, Slot
from faramesh.origin import Origin, origin_from

ONE = Origin(call_id="call-1", scope="run-1")


def refund(amount: int) -> str:
    return f"refunded {amount}"


def test_a_refusal_is_said_again_without_asking() -> None:
    stub = StubTransport().deny("refund", "never")
    tools = GovernedToolSet([refund], transport=stub)
    for _ in range(3):
        with calling(ONE), pytest.raises(ToolDeniedException, match="never"):
            tools.refund(1)
    assert len(stub.calls) == 1
    with calling(ONE), pytest.raises(ToolDeniedException):
        tools.refund(2)
    with calling(Origin(call_id="call-2", scope="run-1")), pytest.raises(ToolDeniedException):
        tools.refund(1)
    with pytest.raises(ToolDeniedException):
        tools.refund(1)
    assert len(stub.calls) == 4


def test_a_permit_is_used_once() -> None:
    stub = StubTransport("permit")
    tools = GovernedToolSet([refund], transport=stub)
    for _ in range(2):
        with calling(ONE):
            assert tools.refund(1) == "refunded 1"
    assert len(stub.calls) == 2
    assert stub.calls[0].request_id == "call-1"


def test_a_deferred_call_is_looked_up_and_then_asked() -> None:
    stub = StubTransport().defer("refund")
    tools = GovernedToolSet([refund], transport=stub)
    for _ in range(3):
        with calling(ONE), pytest.raises(ToolDeferredException):
            tools.refund(1)
    assert len(stub.calls) == 1
    stub.approve(stub.pending[0])
    with calling(ONE):
        assert tools.refund(1) == "refunded 1"
    assert [call.effect for call in stub.calls] == ["DEFER", "PERMIT"]


def test_a_person_who_says_no_is_not_asked_twice() -> None:
    stub = StubTransport().defer("refund")
    tools = GovernedToolSet([refund], transport=stub)
    with calling(ONE), pytest.raises(ToolDeferredException):
        tools.refund(1)
    stub.refuse(stub.pending[0], "not this one")
    for _ in range(2):
        with calling(ONE), pytest.raises(ToolDeniedException, match="not this one") as caught:
            tools.refund(1)
        assert caught.value.code == "APPROVAL_DENIED"
    assert len(stub.calls) == 1


def test_the_memory_has_a_bound() -> None:
    refusals = Refusals()
    for number in range(2000):
        Slot(refusals, ("", str(number), "t", "")).keep(ToolDeniedException("no", tool="t"))
    assert refusals.recall(("", "0", "t", "")) is None
    assert refusals.recall(("", "1999", "t", "")) is not None
    assert len(refusals._kept) == 1024


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_is_read_of_a_context(wrapped: bool) -> None:
    told = {
        "principal": "ada",
        "session_id": "s-1",
        "request_id": 7,
        "tags": ["team:blue", "night", ":x"],
    }
    origin = origin_from({"faramesh": told} if wrapped else SimpleNamespace(**told))
    assert origin.principal == {"id": "ada"}
    assert (origin.session_id, origin.request_id) == ("s-1", "7")
    assert origin.tags == {"team": "blue", "night": "true"}
    assert origin_from(None) == origin_from("text") == Origin()
    assert origin_from({"session_id": "x" * 257}).session_id == ""


def test_a_session_that_the_code_names_wins_over_a_thread() -> None:
    stub = StubTransport("permit")
    tools = GovernedToolSet([refund], session_id="mine", transport=stub)
    with calling(Origin(thread="thread")):
        tools.refund(1)
    with calling(Origin(thread="thread", session_id="call's")):
        tools.refund(1)
    with calling(Origin(thread="thread")):
        GovernedToolSet([refund], transport=stub).refund(1)
    assert [call.session_id for call in stub.calls] == ["mine", "call's", "thread"]
