"""GovernedToolSet on plain callables: ask, run, report, and what a refusal does."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from fake_peer import FakePeer

from faramesh import (
    WAIT,
    ArgumentsInvalid,
    DaemonUnreachable,
    GovernedToolSet,
    StubTransport,
    ToolDeferredException,
    ToolDeniedException,
    governed,
)

ran: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


def refund(amount: int, currency: str = "usd") -> str:
    """Give money back."""
    ran.append(amount)
    return f"refunded {amount} {currency}"


async def payout(amount: int) -> str:
    await asyncio.sleep(0)
    ran.append(amount)
    return f"paid {amount}"


def toolset(stub: StubTransport, **options: Any) -> GovernedToolSet:
    names = {"refund": "stripe/refund", "payout": "stripe/payouts"}
    return GovernedToolSet([refund, payout], agent_id="bot", names=names, transport=stub, **options)


def test_a_permitted_call_runs_and_its_outcome_is_reported() -> None:
    stub = StubTransport("permit")
    tools = toolset(stub, session_id="s-1")
    assert tools.refund(80) == "refunded 80 usd"
    assert asyncio.run(tools["stripe/payouts"](amount=5)) == "paid 5"
    first, second = stub.calls
    assert (first.tool, first.arguments) == ("stripe/refund", {"amount": 80, "currency": "usd"})
    assert (first.agent_id, first.session_id) == ("bot", "s-1")
    assert (second.tool, second.arguments) == ("stripe/payouts", {"amount": 5})
    assert first.call_id != second.call_id
    assert [(o["action_id"], o["status"]) for o in stub.outcomes] == [
        ("dpr-stub-1", "ok"),
        ("dpr-stub-2", "ok"),
    ]
    assert all(type(o["duration_ms"]) is int for o in stub.outcomes)
    assert all(o["agent"] == "bot" for o in stub.outcomes)


def test_a_denied_call_does_not_run() -> None:
    stub = StubTransport("permit").deny("stripe/*", "not today", rule_ref="governance.fms:9")
    tools = toolset(stub)
    with pytest.raises(ToolDeniedException, match="not today") as caught:
        tools.refund(80)
    assert caught.value.rule_ref == "governance.fms:9"
    with pytest.raises(ToolDeniedException):
        asyncio.run(tools.payout(1))
    assert ran == []
    assert stub.outcomes == []


def test_wrapped_functions_look_like_the_originals() -> None:
    tools = toolset(StubTransport())
    assert tools.refund.__name__ == "refund"
    assert tools.refund.__doc__ == "Give money back."
    assert tools.refund.__wrapped__ is refund
    assert asyncio.iscoroutinefunction(tools.payout)
    assert list(tools) == [tools.refund, tools.payout] == [tools[0], tools[1]]
    assert isinstance(tools, list)


def test_the_exception_of_a_tool_comes_out_unchanged() -> None:
    problem = KeyError("4242 4242")
    stub = StubTransport("permit")

    def broken(amount: int) -> None:
        raise problem

    async def slow(amount: int) -> None:
        raise TimeoutError

    tools = GovernedToolSet([broken, slow], transport=stub)
    with pytest.raises(KeyError) as caught:
        tools.broken(1)
    assert caught.value is problem
    with pytest.raises(TimeoutError):
        asyncio.run(tools.slow(1))
    told = [(o["status"], o["error"]) for o in stub.outcomes]
    assert told == [("error", "KeyError"), ("timeout", "TimeoutError")]


class DeafToOutcomes(StubTransport):
    def tell(self, method: str, params: Mapping[str, Any]) -> None:
        raise DaemonUnreachable(code="DAEMON_UNREACHABLE")


def test_an_outcome_that_cannot_be_told_does_not_break_the_result(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tools = toolset(DeafToOutcomes("permit"))
    assert tools.refund(80) == "refunded 80 usd"
    assert asyncio.run(tools.payout(5)) == "paid 5"
    assert caplog.text.count("was not reported: DAEMON_UNREACHABLE") == 2


def test_a_cancelled_tool_is_reported() -> None:
    stub = StubTransport("permit")

    async def endless() -> None:
        await asyncio.sleep(60)

    async def work() -> None:
        task = asyncio.ensure_future(GovernedToolSet([endless], transport=stub).endless())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    assert [(o["status"], o["error"]) for o in stub.outcomes] == [("error", "CancelledError")]


def test_the_daemon_away_means_the_tool_does_not_run() -> None:
    stub = StubTransport("permit")
    stub.reachable = False
    for on_deny in ("raise", "return", lambda denial: "carry on"):
        with pytest.raises(DaemonUnreachable) as caught:
            toolset(stub, on_deny=on_deny, on_defer="block").refund(80)
        assert isinstance(caught.value, ToolDeniedException)
    assert ran == []


def test_a_deferred_call_raises_then_is_permitted_once() -> None:
    stub = StubTransport("permit").defer("stripe/refund", when=lambda a: a["amount"] >= 500)
    tools = toolset(stub)
    assert tools.refund(80)
    with pytest.raises(ToolDeferredException) as caught:
        tools.refund(8000)
    assert stub.pending == [caught.value.approval_id] == ["apr-stub-1"]
    stub.approve("apr-stub-1")
    with pytest.raises(ToolDeferredException):
        tools.refund(9000)
    assert tools.refund(8000) == "refunded 8000 usd"
    with pytest.raises(ToolDeferredException):
        tools.refund(8000)
    assert ran == [80, 8000]


def answer_soon(stub: StubTransport, answer: Callable[[str], None]) -> threading.Thread:
    def work() -> None:
        for _ in range(500):
            if stub.pending:
                answer(stub.pending[0])
                return
            threading.Event().wait(0.01)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Iterator[Callable[[GovernedToolSet], Any]]:
    if request.param == "sync":
        yield lambda tools: tools.refund(8000)
    else:
        yield lambda tools: asyncio.run(tools.payout(8000))


def test_block_waits_for_the_approval(call: Callable[[GovernedToolSet], Any]) -> None:
    stub = StubTransport().defer()
    thread = answer_soon(stub, stub.approve)
    assert "8000" in call(toolset(stub, on_defer="block"))
    thread.join()
    first, second = stub.calls
    assert first.call_id != second.call_id
    assert second.request_id == first.call_id
    assert ran == [8000]


def test_block_ends_with_the_persons_denial(call: Callable[[GovernedToolSet], Any]) -> None:
    stub = StubTransport().defer()
    thread = answer_soon(stub, lambda approval: stub.refuse(approval, "wrong customer"))
    with pytest.raises(ToolDeniedException, match="wrong customer") as caught:
        call(toolset(stub, on_defer="block"))
    thread.join()
    assert (caught.value.effect, caught.value.code) == ("DENY", "APPROVAL_DENIED")
    assert not isinstance(caught.value, ToolDeferredException)
    assert ran == []


def test_block_gives_up_in_time(call: Callable[[GovernedToolSet], Any]) -> None:
    stub = StubTransport().defer(reason="ask a person")
    with pytest.raises(ToolDeferredException, match=r"ask a person \(no answer within 0.3 sec"):
        call(toolset(stub, on_defer="block", approval_timeout=0.3))
    assert ran == []


def test_a_callback_on_defer(call: Callable[[GovernedToolSet], Any]) -> None:
    stub = StubTransport().defer()
    seen: list[ToolDeferredException] = []
    with pytest.raises(ToolDeferredException):
        call(toolset(stub, on_defer=seen.append))
    assert seen[0].approval_id == "apr-stub-1"
    assert call(toolset(stub, on_defer=lambda deferred: "ask later")) == "ask later"
    assert ran == []

    def approve_and_wait(deferred: ToolDeferredException) -> object:
        stub.approve(deferred.approval_id)
        return WAIT

    assert "8000" in call(toolset(stub, on_defer=approve_and_wait))
    assert ran == [8000]


def test_an_async_callback_needs_an_async_tool() -> None:
    async def later(deferred: ToolDeferredException) -> str:
        return "later"

    tools = toolset(StubTransport().defer(), on_defer=later)
    assert asyncio.run(tools.payout(1)) == "later"
    with pytest.raises(TypeError, match="async tool"):
        tools.refund(1)


def test_refusals_as_text_for_the_model(call: Callable[[GovernedToolSet], Any]) -> None:
    tools = toolset(StubTransport().deny("*", "never by an agent"), on_deny="return")
    assert "never by an agent" in call(tools)
    tools = toolset(StubTransport().deny(), on_deny=lambda denial: {"error": denial.code})
    assert call(tools) == {"error": "POLICY_DENY"}
    tools = toolset(StubTransport().defer("*", "ask a person"), on_defer="return")
    assert "ask a person" in call(tools)
    assert ran == []


@pytest.mark.parametrize("argument", [object(), float("nan"), "\ud800"])
def test_arguments_without_a_json_form_stop_the_call(
    start_peer: Callable[..., FakePeer], argument: object
) -> None:
    peer = start_peer()
    tools = GovernedToolSet([refund], socket=peer.path)
    with pytest.raises(ArgumentsInvalid) as caught:
        tools.refund(argument)
    assert caught.value.tool == "refund"
    assert peer.requests == []
    assert ran == []


def test_hidden_arguments_reach_the_tool_but_not_the_daemon() -> None:
    stub = StubTransport("permit")
    handle = object()

    def query(sql: str, db: object) -> bool:
        return db is handle

    assert GovernedToolSet([query], hide_args=["db"], transport=stub).query("select 1", handle)
    assert stub.calls[0].arguments == {"sql": "select 1"}


def test_no_argument_value_is_logged(
    caplog: pytest.LogCaptureFixture, start_peer: Callable[..., FakePeer]
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "4242424242424242"
    stub = StubTransport("permit").deny("payout").defer("hold")

    def charge(card: str) -> None:
        raise ValueError(card)

    def hold(card: str) -> None: ...

    def payout(card: str) -> None: ...

    tools = GovernedToolSet([charge, payout, hold], transport=stub)
    lost = GovernedToolSet([charge], socket="/nowhere/faramesh.sock")
    failures: list[str] = []
    for tool in (tools.charge, tools.payout, tools.hold, lost.charge):
        with pytest.raises(Exception) as caught:
            tool(card=secret)
        if isinstance(caught.value, ToolDeniedException):
            failures.append(f"{caught.value!s} {caught.value!r} {caught.value.to_dict()}")
    with pytest.raises(ArgumentsInvalid) as invalid:
        tools.hold(card={"number": [secret, object()]})
    failures.append(str(invalid.value))
    assert len(failures) == 4
    assert secret not in caplog.text
    assert secret not in "".join(failures)
    assert secret not in str(stub.outcomes)
    assert "PERMIT charge" in caplog.text


def test_names_of_tools() -> None:
    class Search:
        governed_name = "knowledgebase/search"
        __name__ = "search"

        def __call__(self, text: str) -> str:
            return text

    class Slow:
        async def __call__(self) -> str:
            return "slow"

    stub = StubTransport("permit")
    double = functools.partial(refund, currency="eur")
    tools = GovernedToolSet([Search(), Slow(), double], transport=stub)
    assert tools.search("x") == "x"
    assert asyncio.run(tools["Slow"]()) == "slow"
    assert tools.refund(1) == "refunded 1 eur"
    assert [c.tool for c in stub.calls] == ["knowledgebase/search", "Slow", "refund"]
    assert stub.calls[2].arguments == {"amount": 1, "currency": "eur"}


def test_mistakes_are_told_at_once() -> None:
    stub = StubTransport()

    with pytest.raises(ValueError, match="no tool called `refnd`; the tools are `refund`"):
        GovernedToolSet([refund], names={"refnd": "stripe/refund"}, transport=stub)
    with pytest.raises(ValueError, match="two tools are called `refund`"):
        GovernedToolSet([refund, refund], transport=stub)
    with pytest.raises(TypeError, match="cannot govern a `dict`"):
        GovernedToolSet([{"type": "web_search"}], transport=stub)
    with pytest.raises(ValueError, match="a plain function has no way to hold a call"):
        GovernedToolSet([refund], on_defer="interrupt", transport=stub)
    with pytest.raises(ValueError, match="on_defer"):
        GovernedToolSet([], on_defer="wait", transport=stub)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="on_deny"):
        GovernedToolSet([], on_deny="ignore", transport=stub)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not both"):
        GovernedToolSet([], socket="/a", transport=stub)
    with pytest.raises(KeyError, match="no tool called `x`"):
        GovernedToolSet([refund], transport=stub)["x"]
    with pytest.raises(AttributeError, match="no tool called `x`"):
        _ = GovernedToolSet([refund], transport=stub).x


def test_tools_added_later_are_governed_and_none_is_governed_twice() -> None:
    stub = StubTransport()
    tools = GovernedToolSet([], transport=stub)
    tools.append(refund)
    tools += [payout]
    with pytest.raises(ToolDeniedException):
        tools.refund(1)
    with pytest.raises(TypeError, match="added"):
        tools[0] = refund
    again = GovernedToolSet([*tools], transport=stub)
    stub.permit()
    assert again.refund(1) == "refunded 1 usd"
    assert len(stub.calls) == 2


def test_the_decorator() -> None:
    stub = StubTransport("permit").deny("stripe/*", when=lambda a: a["amount"] > 100)

    @governed("stripe/refund", agent_id="bot", transport=stub)
    def give_back(amount: int) -> int:
        return amount

    @governed(transport=stub)
    async def plain() -> str:
        return "ok"

    assert give_back(100) == 100
    with pytest.raises(ToolDeniedException):
        give_back(101)
    assert asyncio.run(plain()) == "ok"
    assert [c.tool for c in stub.calls] == ["stripe/refund", "stripe/refund", "plain"]


def test_a_decorated_method_shows_the_policy_no_self() -> None:
    stub = StubTransport("permit")

    @dataclasses.dataclass
    class Desk:
        till: int = 7

        @governed("refund", transport=stub)
        def refund(self, amount: int) -> str:
            return f"refunded {amount} from {self.till}"

        @governed("refund", transport=stub)
        async def arefund(self, amount: int) -> str:
            return f"refunded {amount} from {self.till}"

        @governed("refund", transport=stub)
        def steps(self, amount: int) -> Iterator[str]:
            yield f"refunded {amount} from {self.till}"

        @classmethod
        @governed("refund", transport=stub)
        def of_the_class(cls, amount: int) -> str:
            return f"refunded {amount} from {cls.till}"

        @staticmethod
        @governed("refund", transport=stub)
        def of_nobody(amount: int) -> str:
            return f"refunded {amount} from 7"

    desk = Desk()
    (streamed,) = desk.steps(80)
    awaited = asyncio.run(desk.arefund(80))
    said = [desk.refund(80), awaited, streamed, desk.of_the_class(80), desk.of_nobody(80)]
    assert said == ["refunded 80 from 7"] * 5
    assert [call.arguments for call in stub.calls] == [{"amount": 80}] * 5

    @governed(transport=stub)
    def greet(self: str) -> str:
        return self

    assert greet("ada") == "ada"
    assert stub.calls[-1].arguments == {"self": "ada"}


def test_the_agent_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    stub = StubTransport("permit")
    monkeypatch.setenv("FARAMESH_AGENT_ID", "env-bot")
    monkeypatch.setenv("FARAMESH_SESSION_ID", "env-session")
    GovernedToolSet([refund], transport=stub).refund(1)
    assert (stub.calls[0].agent_id, stub.calls[0].session_id) == ("env-bot", "env-session")


def test_fifty_threads_on_one_toolset(
    start_peer: Callable[..., FakePeer], caplog: pytest.LogCaptureFixture
) -> None:
    peer = start_peer()
    tools = GovernedToolSet([refund], agent_id="bot", socket=peer.path, timeout=30)
    results: list[str] = []

    def work(number: int) -> None:
        results.extend(tools.refund(number) for _ in range(10))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 500
    tools._enforcer.transport.close()

    # A report that the peer does not take in time is dropped, and the log says so.
    def dropped() -> int:
        return sum("was not reported" in message for message in caplog.messages)

    for _ in range(500):
        if len(peer.of("outcome")) + dropped() >= 500:
            break
        threading.Event().wait(0.01)
    call_ids = {request["params"]["call_id"] for request in peer.of("govern")}
    assert len(call_ids) == 500
    assert len(peer.of("outcome")) + dropped() == 500
    assert dropped() < 250
