"""The SDK over the HTTP door of a real daemon: tokens, TLS, certificates, a Lambda-shaped agent."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faramesh import (
    DaemonProtocolError,
    DaemonUnreachable,
    GovernedToolSet,
    HttpTransport,
    Session,
    ToolDeferredException,
    ToolDeniedException,
)
from prometheus_client.parser import text_string_to_metric_families
from stack import Stack

TOKEN = "a-token-of-this-test"
APPLY = ("apply", "--foreground")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def policy(port: int, runtime: str = "") -> str:
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    return f"""
runtime {{ http_listen = "127.0.0.1:{port}" {runtime} }}
identity "tokens" {{ type = "token" }}
identity "certificates" {{ type = "mtls" }}
agent "support-bot" {{
  default deny
  attest {{ token = "sha256:{digest}" }}
  rules {{
    permit stripe/refund if amount < 500
    defer  stripe/refund reason "refunds of $500 and more need a person"
    deny   stripe/payouts reason "payouts are made by finance"
  }}
}}
agent "warehouse" {{
  default deny
  attest {{ certificate = "warehouse.example" }}
  rules {{ permit stock/read }}
}}
"""


class Remote:
    def __init__(self, stack: Stack, url: str) -> None:
        self.stack = stack
        self.url = url
        self.moved: list[int] = []

    def tools(self, **options: Any) -> GovernedToolSet:
        def refund(amount: int) -> str:
            self.moved.append(amount)
            return f"refunded {amount}"

        def payout(amount: int) -> str:
            self.moved.append(amount)
            return f"paid {amount}"

        names = {"refund": "stripe/refund", "payout": "stripe/payouts"}
        chosen = {"url": self.url, "token": TOKEN, **options}
        return GovernedToolSet([refund, payout], names=names, **chosen)

    def records(self, kind: str) -> list[dict[str, Any]]:
        lines = self.stack.command(
            "audit", "ls", "--kind", kind, "--format", "jsonl", format_json=False
        )
        return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Remote]:
    port = free_port()
    stack = Stack(tmp_path, policy(port), APPLY)
    stack.start()
    try:
        yield Remote(stack, f"http://127.0.0.1:{port}")
    finally:
        stack.stop()


def test_permit_deny_defer_approve_permit(remote: Remote) -> None:
    tools = remote.tools()
    assert tools.refund(amount=80) == "refunded 80"
    with pytest.raises(ToolDeniedException) as denied:
        tools.payout(amount=80)
    assert denied.value.code == "POLICY_DENY"
    with pytest.raises(ToolDeferredException) as deferred:
        tools.refund(amount=8000)
    remote.stack.approve(deferred.value.approval_id)
    assert tools.refund(amount=8000) == "refunded 8000"
    with pytest.raises(ToolDeferredException):
        tools.refund(amount=8000)
    assert remote.moved == [80, 8000]
    outcomes = remote.records("outcome")
    assert [outcome["detail"]["status"] for outcome in outcomes] == ["ok", "ok"]
    decisions = remote.records("decision")
    assert {decision["tier"] for decision in decisions} == {"http"}
    assert all(decision["identity"]["method"] == "token" for decision in decisions)


def test_block_waits_by_long_polls(remote: Remote) -> None:
    tools = remote.tools(on_defer="block")
    done: list[Any] = []
    work = threading.Thread(target=lambda: done.append(tools.refund(amount=8000)))
    work.start()
    remote.stack.approve(remote.stack.wait_for_pending()["id"])
    work.join(20)
    assert done == ["refunded 8000"]


def test_in_an_event_loop_calls_that_wait_hold_up_no_others(remote: Remote) -> None:
    async def refund(amount: int) -> str:
        return f"refunded {amount}"

    options: dict[str, Any] = {"url": remote.url, "token": TOKEN, "on_defer": "block"}
    tools = GovernedToolSet([refund], names={"refund": "stripe/refund"}, **options)

    async def all_of_them() -> list[Any]:
        waiting = asyncio.create_task(tools.refund(amount=8000))
        await asyncio.sleep(0.2)
        others = await asyncio.gather(*(tools.refund(amount=number) for number in range(40)))
        assert not waiting.done()
        pending = await asyncio.to_thread(remote.stack.wait_for_pending)
        await asyncio.to_thread(remote.stack.approve, pending["id"])
        return [*others, await waiting]

    results = asyncio.run(all_of_them())
    assert len(results) == 41 and results[-1] == "refunded 8000"


def test_who_is_unknown_and_a_daemon_that_went_away(remote: Remote) -> None:
    with pytest.raises(DaemonProtocolError, match="who calls"):
        remote.tools(token="wrong").refund(amount=1)
    with pytest.raises(ToolDeniedException, match="nothing at this path"):
        remote.tools(url=f"{remote.url}/elsewhere").refund(amount=1)
    with pytest.raises(ToolDeniedException) as posed:
        remote.tools(agent_id="warehouse").refund(amount=1)
    assert posed.value.code == "IDENTITY_UNVERIFIED"
    tools = remote.tools()
    assert tools.refund(amount=1) == "refunded 1"
    remote.stack.kill()
    with pytest.raises(DaemonUnreachable):
        tools.refund(amount=2)
    remote.stack.start()
    assert tools.refund(amount=3) == "refunded 3"
    assert remote.moved == [1, 3]


def test_a_retry_is_the_same_call_whatever_process_makes_it(remote: Remote) -> None:
    params = {"tool": "stripe/refund", "args": {"amount": 5}, "call_id": "order-17", "session": "s"}
    first = HttpTransport(remote.url, token=TOKEN).request("govern", params)
    again = HttpTransport(remote.url, token=TOKEN).request("govern", params)
    assert first["action_id"] == again["action_id"]
    assert len(remote.records("decision")) == 1


def test_a_session(remote: Remote) -> None:
    session = Session("s-1", url=remote.url, token=TOKEN)
    session.declare_purpose("support")
    session.complete()
    with pytest.raises(ToolDeniedException) as denied:
        session.spawn("warehouse")
    assert denied.value.code == "SPAWN_DENIED"


def test_prometheus_reads_the_metrics(remote: Remote) -> None:
    remote.tools().refund(amount=5)
    with urllib.request.urlopen(f"{remote.url}/metrics", timeout=10) as answer:
        kind, text = answer.headers["Content-Type"], answer.read().decode()
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(text)}
    decisions = families["faramesh_decisions"].samples
    assert [(sample.labels["effect"], sample.value) for sample in decisions] == [("permit", 1.0)]
    buckets = families["faramesh_decision_duration_seconds"].samples
    counts = [sample.value for sample in buckets if sample.name.endswith("_bucket")]
    assert counts == sorted(counts) and counts[-1] == 1.0
    assert families["faramesh_ready"].samples[0].value == 1.0


def test_a_function_that_is_started_for_one_event(remote: Remote) -> None:
    """Lambda-shaped: everything is made in the handler, and the process may freeze after it."""
    handler = f"""
import json, sys
from faramesh import governed

@governed("stripe/refund", url={remote.url!r}, token={TOKEN!r})
def refund(amount):
    return f"refunded {{amount}}"

def handler(event, context):
    return {{"statusCode": 200, "body": refund(event["amount"])}}

print(json.dumps(handler(json.loads(sys.argv[1]), None)))
sys.stdout.flush()
import os; os._exit(0)  # frozen: no thread of it goes on
"""
    done = subprocess.run(
        [sys.executable, "-c", handler, '{"amount": 5}'],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert json.loads(done.stdout)["body"] == "refunded 5"
    assert [record["detail"]["status"] for record in remote.records("outcome")] == ["ok"]


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def authority(folder: Path) -> None:
    """ca.pem with ca.key."""
    subject = ["-subj", "/CN=authority", "-days", "2"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", *subject)


def certificate(folder: Path, name: str, alternative: str) -> None:
    """NAME.pem with NAME.key, signed by ca.pem."""
    request = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl(folder, "req", "-new", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", *request)
    signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy"]
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signing, "-days", "2", "-out", f"{name}.pem")


def test_tls_and_client_certificates(tmp_path: Path) -> None:
    authority(tmp_path)
    certificate(tmp_path, "server", "DNS:localhost")
    certificate(tmp_path, "client", "DNS:warehouse.example")
    port = free_port()
    files = 'tls_cert_file = "server.pem" tls_key_file = "server.key" tls_client_ca_file = "ca.pem"'
    stack = Stack(tmp_path, policy(port, files), APPLY)
    stack.start()
    url = f"https://localhost:{port}"
    call = {"tool": "stock/read", "args": {}, "call_id": "c"}
    try:
        pair = (str(tmp_path / "client.pem"), str(tmp_path / "client.key"))
        known = HttpTransport(url, ca_file=tmp_path / "ca.pem", client_certificate=pair)
        assert known.request("govern", call)["effect"] == "PERMIT"
        by_token = HttpTransport(url, ca_file=tmp_path / "ca.pem", token=TOKEN)
        assert by_token.request("govern", call)["code"] == "POLICY_DENY"
        with pytest.raises(DaemonProtocolError, match="who calls"):
            HttpTransport(url, ca_file=tmp_path / "ca.pem").request("govern", call)
        began = time.monotonic()
        with pytest.raises(DaemonUnreachable, match="certificate"):
            HttpTransport(url, token=TOKEN).request("govern", call)
        assert time.monotonic() - began < 3, "another try would meet the same certificate"
        with pytest.raises(DaemonUnreachable):
            other_name = HttpTransport(f"https://127.0.0.1:{port}", ca_file=tmp_path / "ca.pem")
            other_name.request("govern", call)
    finally:
        stack.stop()
