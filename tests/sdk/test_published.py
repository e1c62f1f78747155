"""faramesh-sdk 0.3.3 exactly as PyPI has it, in an environment of its own.

Each test plays a client script (`compat/*.py`) in that environment, as a process that
reads one order a line and answers one line of JSON, so that this test can be the operator
in between.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stack import Stack

COMPAT = Path(__file__).resolve().parent / "compat"
ANSWER_SECONDS = 30.0


class Client:
    """The client process; `ask` sends one order and returns its answer."""

    def __init__(self, script: str, stack: Stack, **variables: str) -> None:
        python = os.environ.get("FARAMESH_COMPAT_PYTHON", "")
        if not python:
            pytest.fail("FARAMESH_COMPAT_PYTHON is not set: run tests/sdk/run")
        self._process = subprocess.Popen(
            [python, str(COMPAT / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **stack.environment(),
                "FARAMESH_SOCKET": str(stack.socket),
                "FARAMESH_AGENT_ID": "support-bot",
                "FARAMESH_DEFER_POLL_INTERVAL_SECONDS": "0.1",
                "FARAMESH_DEFER_WAIT_TIMEOUT_SECONDS": str(ANSWER_SECONDS),
                **variables,
            },
            text=True,
            bufsize=1,
        )
        hello = self._read()
        assert hello["version"] == "0.3.3"
        assert Path(hello["file"]).is_relative_to(Path(python).parents[1]), "it is PyPI's"

    def start(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")

    def answer(self) -> dict[str, Any]:
        return self._read()

    def ask(self, **order: Any) -> dict[str, Any]:
        self.start(**order)
        return self.answer()

    def end(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process.stdout.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the client ended with {self._process.wait(10)}"
        answer: dict[str, Any] = json.loads(line)
        return answer


StartClient = Callable[..., Client]


@pytest.fixture
def start_client(stack: Stack) -> Iterator[StartClient]:
    clients: list[Client] = []

    def start(script: str, **variables: str) -> Client:
        clients.append(Client(script, stack, **variables))
        return clients[-1]

    yield start
    for client in clients:
        client.end()


ways_of_a_tool_set = pytest.mark.parametrize("way", ["invoke", "run", "tool_call", "graph"])
ways_of_autopatch = pytest.mark.parametrize(
    "way", ["invoke", "run", "ainvoke", "arun", "tool_call", "graph", "agraph"]
)


@ways_of_a_tool_set
def test_a_base_tool_in_the_published_tool_set(
    stack: Stack, start_client: StartClient, way: str
) -> None:
    client = start_client("governed_toolset.py")
    assert client.ask(way=way, amount=80) == {"ran": "refunded 80"}

    denied = client.ask(way=way, amount=20_000)
    assert (denied["effect"], denied["code"]) == ("DENY", "POLICY_DENY")
    assert "refunds of $10,000 and more go through finance" in denied["human_message"]
    assert denied["rule_ref"].startswith("governance.fms:")
    assert denied["rule_id"]
    assert denied["resolution"]["type"] == "rule_block"

    deferred = client.ask(way=way, amount=8000)
    assert (deferred["effect"], deferred["code"]) == ("DEFER", "POLICY_DEFER")
    assert "refunds of $500 and more need a person" in deferred["human_message"]
    assert deferred["approval_id"] == deferred["defer_token"] == stack.pending()[0]["id"]

    stack.approve(deferred["defer_token"])
    assert client.ask(way=way, amount=8000) == {"ran": "refunded 8000"}
    again = client.ask(way=way, amount=8000)
    assert again["effect"] == "DEFER"
    assert again["approval_id"] != deferred["approval_id"]
    stack.deny(again["approval_id"], "once was enough")
    refused = client.ask(way=way, amount=8000)
    assert (refused["effect"], "once was enough" in refused["human_message"]) == ("DENY", True)
    assert stack.command("audit", "verify")


def test_an_async_base_tool_in_the_published_tool_set(
    stack: Stack, start_client: StartClient
) -> None:
    client = start_client("governed_toolset.py")
    assert client.ask(way="ainvoke", amount=80) == {"ran": "refunded 80"}
    deferred = client.ask(way="ainvoke", amount=8000)
    stack.approve(deferred["defer_token"])
    assert client.ask(way="ainvoke", amount=8000) == {"ran": "refunded 8000"}


@ways_of_autopatch
@pytest.mark.parametrize("tool", ["refund", "stripe/refund"])
def test_an_autopatched_tool(stack: Stack, start_client: StartClient, way: str, tool: str) -> None:
    client = start_client("autopatched.py")
    order = {"way": way, "tool": tool}
    assert client.ask(**order, amount=80) == {"ran": "refunded 80"}
    denied = client.ask(**order, amount=20_000)
    assert "Faramesh DENY: POLICY_DENY" in denied["raised"]

    # It blocks by itself: the defer is answered while the call waits.
    client.start(**order, amount=8000)
    waiting = stack.wait_for_pending()
    assert (waiting["tool"], waiting["args"]) == (tool, {"amount": 8000})
    time.sleep(0.3)
    stack.approve(waiting["id"])
    assert client.answer() == {"ran": "refunded 8000"}

    # The approval was used up by the call that waited for it.
    client.start(**order, amount=8000)
    second = stack.wait_for_pending()
    assert second["id"] != waiting["id"]
    stack.deny(second["id"], "once was enough")
    assert "Faramesh DENY" in client.answer()["raised"]
    assert stack.command("audit", "verify")


def test_an_autopatched_tool_that_does_not_wait(stack: Stack, start_client: StartClient) -> None:
    client = start_client("autopatched.py", FARAMESH_DEFER_MODE="raise")
    order = {"way": "invoke", "tool": "refund", "amount": 8000}
    told = client.ask(**order)["raised"]
    (waiting,) = stack.pending()
    assert f"token={waiting['id']}" in told
    stack.approve(waiting["id"])
    assert client.ask(**order) == {"ran": "refunded 8000"}
    assert "Faramesh DEFER" in client.ask(**order)["raised"]


def test_an_argument_that_no_rule_permits_never_runs_by_its_envelope(
    stack: Stack, start_client: StartClient
) -> None:
    client = start_client("autopatched.py")
    for way in ("invoke", "tool_call", "graph"):
        told = client.ask(way=way, tool="wire_money", amount=1)
        assert "Faramesh DENY" in told["raised"]


@pytest.mark.parametrize("script", ["governed_toolset.py", "autopatched.py"])
def test_the_published_client_without_a_daemon(
    stack: Stack, start_client: StartClient, script: str
) -> None:
    client = start_client(script)
    stack.stop()
    told = client.ask(way="invoke", tool="refund", amount=80)
    assert "ran" not in told
