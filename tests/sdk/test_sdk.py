"""The SDK of this repository against a real daemon: plain functions, sync and async."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from faramesh import (
    DaemonTimeout,
    DaemonUnreachable,
    GovernedToolSet,
    PendingApproval,
    RuleBlock,
    ToolDeferredException,
    ToolDeniedException,
)
from stack import Stack

NAMES = {"search": "knowledgebase/search", "refund": "stripe/refund", "payout": "stripe/payouts"}


class Bank:
    """Tools that remember what they did."""

    def __init__(self) -> None:
        self.moved: list[int] = []

    def search(self, query: str) -> str:
        return f"found {query}"

    def refund(self, amount: int, card: dict[str, str] | None = None) -> str:
        self.moved.append(amount)
        return f"refunded {amount}"

    def payout(self, amount: int) -> str:
        self.moved.append(amount)
        return f"paid {amount}"

    def tools(self, **options: Any) -> GovernedToolSet:
        return GovernedToolSet(
            [self.search, self.refund, self.payout],
            agent_id="support-bot",
            names=NAMES,
            **options,
        )

    def async_tools(self, **options: Any) -> GovernedToolSet:
        async def refund(amount: int) -> str:
            await asyncio.sleep(0)
            return self.refund(amount)

        return GovernedToolSet(
            [refund], agent_id="support-bot", names={"refund": "stripe/refund"}, **options
        )


@pytest.fixture
def bank() -> Bank:
    return Bank()


Refund = Callable[[GovernedToolSet, int], Any]


def refund_sync(bank: Bank, amount: int, **options: Any) -> Any:
    return bank.tools(**options).refund(amount)


def refund_async(bank: Bank, amount: int, **options: Any) -> Any:
    return asyncio.run(bank.async_tools(**options).refund(amount))


both = pytest.mark.parametrize("refund", [refund_sync, refund_async])


@both
def test_a_permitted_call_runs(stack: Stack, bank: Bank, refund: Any) -> None:
    assert refund(bank, 80) == "refunded 80"
    assert bank.moved == [80]
    assert bank.tools().search("order 1042") == "found order 1042"


def test_a_denied_call_says_why(stack: Stack, bank: Bank) -> None:
    with pytest.raises(ToolDeniedException) as caught:
        bank.tools().payout(10)
    denial = caught.value
    assert (denial.effect, denial.code) == ("DENY", "POLICY_DENY")
    assert "payouts are made by finance, never by an agent" in denial.human_message
    assert denial.rule_ref.startswith("governance.fms:")
    assert denial.action_id
    assert denial.call_id
    assert denial.policy_version.startswith("sha256:")
    assert denial.retryable is False
    assert isinstance(denial.resolution, RuleBlock)
    assert denial.rule_id == denial.resolution.rule_id
    assert bank.moved == []


def test_the_line_of_the_rule_is_the_right_one(stack: Stack, bank: Bank) -> None:
    with pytest.raises(ToolDeniedException) as caught:
        bank.tools().payout(10)
    line = int(caught.value.rule_ref.rsplit(":", 1)[1])
    source = (stack.folder / "governance.fms").read_text().splitlines()
    assert "deny   stripe/payouts" in source[line - 1]


def test_what_no_rule_mentions_is_denied(stack: Stack) -> None:
    with pytest.raises(ToolDeniedException):
        GovernedToolSet([abs], agent_id="support-bot")["abs"](-1)
    with pytest.raises(ToolDeniedException) as caught:
        GovernedToolSet([abs], agent_id="nobody")["abs"](-1)
    assert caught.value.code in ("AGENT_UNKNOWN", "IDENTITY_UNVERIFIED")


def test_a_shell_is_denied_for_ever(stack: Stack) -> None:
    def sh(command: str) -> str:
        return command

    tools = GovernedToolSet([sh], agent_id="support-bot", names={"sh": "shell/run"})
    with pytest.raises(ToolDeniedException, match="no shell, ever"):
        tools.sh("ls")


@both
def test_deferred_approved_permitted_once_deferred_again(
    stack: Stack, bank: Bank, refund: Any
) -> None:
    with pytest.raises(ToolDeferredException) as caught:
        refund(bank, 8000)
    deferred = caught.value
    assert (deferred.effect, deferred.code) == ("DEFER", "POLICY_DEFER")
    assert "refunds of $500 and more need a person" in deferred.human_message
    assert deferred.approval_id == deferred.defer_token
    assert isinstance(deferred.resolution, PendingApproval)
    assert "500" in deferred.next
    (waiting,) = stack.pending()
    assert (waiting["id"], waiting["tool"]) == (deferred.approval_id, "stripe/refund")
    assert waiting["agent_id"] == "support-bot"

    stack.approve(deferred.approval_id)
    with pytest.raises(ToolDeferredException) as other:
        refund(bank, 8001)
    assert other.value.approval_id != deferred.approval_id
    assert bank.moved == []

    assert refund(bank, 8000) == "refunded 8000"
    with pytest.raises(ToolDeferredException) as again:
        refund(bank, 8000)
    assert again.value.approval_id != deferred.approval_id
    assert bank.moved == [8000]
    assert stack.command("audit", "verify")


@both
def test_an_operators_denial_reaches_the_agent(stack: Stack, bank: Bank, refund: Any) -> None:
    with pytest.raises(ToolDeferredException) as caught:
        refund(bank, 8000)
    stack.deny(caught.value.approval_id, "the customer was paid last week")
    with pytest.raises(ToolDeniedException) as denied:
        refund(bank, 8000)
    assert denied.value.effect == "DENY"
    assert "the customer was paid last week" in denied.value.human_message
    assert bank.moved == []


@both
def test_block_waits_for_the_person(stack: Stack, bank: Bank, refund: Any) -> None:
    results: list[Any] = []
    thread = threading.Thread(
        target=lambda: results.append(refund(bank, 8000, on_defer="block", approval_timeout=30))
    )
    thread.start()
    waiting = stack.wait_for_pending()
    time.sleep(0.3)
    assert (results, bank.moved) == ([], [])
    answered = time.monotonic()
    stack.approve(waiting["id"])
    thread.join(10)
    assert results == ["refunded 8000"]
    assert time.monotonic() - answered < 5, "the long poll ends when the person answers"


@both
def test_block_ends_with_the_persons_denial(stack: Stack, bank: Bank, refund: Any) -> None:
    caught: list[ToolDeniedException] = []

    def work() -> None:
        try:
            refund(bank, 8000, on_defer="block", approval_timeout=30)
        except ToolDeniedException as denial:
            caught.append(denial)

    thread = threading.Thread(target=work)
    thread.start()
    stack.deny(stack.wait_for_pending()["id"], "wrong customer")
    thread.join(10)
    assert [denial.effect for denial in caught] == ["DENY"]
    assert "wrong customer" in str(caught[0])
    assert bank.moved == []


def test_block_gives_up_in_time(stack: Stack, bank: Bank) -> None:
    started = time.monotonic()
    with pytest.raises(ToolDeferredException, match="no answer within 1 seconds"):
        bank.tools(on_defer="block", approval_timeout=1).refund(8000)
    assert time.monotonic() - started < 4


def test_fifty_threads_race_for_one_approval(stack: Stack, bank: Bank) -> None:
    tools = bank.tools(timeout=30)
    with pytest.raises(ToolDeferredException) as caught:
        tools.refund(8000)
    stack.approve(caught.value.approval_id)
    refusals: list[ToolDeniedException] = []

    def work() -> None:
        for _ in range(4):
            try:
                tools.refund(8000)
            except ToolDeniedException as denial:
                refusals.append(denial)

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bank.moved == [8000]
    assert len(refusals) == 199
    assert {denial.effect for denial in refusals} == {"DEFER"}


def test_the_approver_does_not_see_redacted_arguments(stack: Stack, bank: Bank) -> None:
    with pytest.raises(ToolDeferredException):
        bank.tools().refund(8000, card={"number": "4242424242424242", "brand": "visa"})
    (waiting,) = stack.pending()
    assert waiting["args"]["amount"] == 8000
    assert "4242424242424242" not in str(stack.command("approvals", "list"))
    assert "4242424242424242" not in stack.log.read_text()


def test_a_string_is_not_a_number(stack: Stack, bank: Bank) -> None:
    with pytest.raises(ToolDeniedException):
        bank.tools().refund("80")
    assert bank.moved == []


def test_outcomes_do_not_disturb_the_tool(
    stack: Stack, bank: Bank, caplog: pytest.LogCaptureFixture
) -> None:
    problem = ValueError("the bank is closed")

    def refund(amount: int) -> str:
        raise problem

    tools = GovernedToolSet([refund], agent_id="support-bot", names={"refund": "stripe/refund"})
    with pytest.raises(ValueError, match="closed") as caught:
        tools.refund(80)
    assert caught.value is problem
    assert bank.tools().refund(80) == "refunded 80"
    assert "not reported" not in caplog.text
    assert stack.command("audit", "verify")


def test_the_outcome_is_recorded_even_if_the_agent_ends_at_once(stack: Stack) -> None:
    script = (
        "from faramesh import GovernedToolSet\n"
        "def search(query): raise KeyError(query)\n"
        "names = {'search': 'knowledgebase/search'}\n"
        "GovernedToolSet([search], agent_id='support-bot', names=names).search('order 1042')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert b"KeyError" in done.stderr
    deadline = time.monotonic() + 5
    while not (outcomes := recorded(stack, "outcome")):
        assert time.monotonic() < deadline, "the outcome was not recorded"
        time.sleep(0.05)
    (outcome,) = outcomes
    (decision,) = recorded(stack, "decision")
    assert outcome["detail"]["status"] == "error"
    assert outcome["detail"]["error"] == "KeyError"
    assert outcome["parent"] == decision["id"]


def recorded(stack: Stack, kind: str) -> list[dict[str, Any]]:
    lines = stack.command("audit", "ls", "--format", "jsonl", format_json=False)
    return [r for r in map(json.loads, lines.splitlines()) if r.get("kind") == kind]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_clients_that_leave_without_reading_are_forgotten(stack: Stack, bank: Bank) -> None:
    bank.tools().refund(1)
    before = stack.open_files()
    for _ in range(200):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(stack.socket))
            client.sendall(
                b'{"jsonrpc":"2.0","id":1,"method":"poll_defer","params":{"defer_token":"x"}}\n'
            )
    deadline = time.monotonic() + 5
    while stack.open_files() > before + 10:
        assert time.monotonic() < deadline, f"{stack.open_files() - before} files were left open"
        time.sleep(0.05)
    assert bank.tools().refund(2) == "refunded 2"


@both
def test_the_daemon_away(stack: Stack, bank: Bank, refund: Any) -> None:
    stack.stop()
    with pytest.raises(DaemonUnreachable) as caught:
        refund(bank, 80)
    assert caught.value.code == "DAEMON_UNREACHABLE"
    assert str(stack.socket) in str(caught.value)
    assert bank.moved == []


def test_a_daemon_that_comes_back_is_used_again(stack: Stack, bank: Bank) -> None:
    tools = bank.tools()
    assert tools.refund(1) == "refunded 1"
    stack.stop()
    with pytest.raises(DaemonUnreachable):
        tools.refund(2)
    stack.start()
    assert tools.refund(3) == "refunded 3"
    assert bank.moved == [1, 3]


@both
def test_the_daemon_killed_in_mid_call(stack: Stack, bank: Bank, refund: Any) -> None:
    stack.freeze()
    caught: list[BaseException] = []

    def work() -> None:
        try:
            refund(bank, 80, timeout=20)
        except BaseException as problem:
            caught.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.3)
    stack.kill()
    thread.join(10)
    assert [type(problem) for problem in caught] == [DaemonUnreachable]
    assert bank.moved == []


@both
def test_a_daemon_that_hangs(stack: Stack, bank: Bank, refund: Any) -> None:
    stack.freeze()
    try:
        with pytest.raises(DaemonTimeout):
            refund(bank, 80, timeout=0.3)
    finally:
        stack.kill()
    assert bank.moved == []
