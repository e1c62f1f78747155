"""Logs and traces over OTLP: a real daemon, and a receiver that reads them by OpenTelemetry's own protocol buffers."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faramesh import GovernedToolSet, ToolDeniedException
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from stack import Stack

TOKEN = "a-token-of-this-test"
KINDS = {"/otlp/v1/logs": ExportLogsServiceRequest, "/otlp/v1/traces": ExportTraceServiceRequest}


class Collector:
    """Keeps what comes, read strictly: a field that the protocol does not have is an error."""

    def __init__(self) -> None:
        self.logs: list[Any] = []
        self.spans: list[Any] = []
        self.bodies: list[str] = []
        self.refusals = [503]
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status = 401 if self.headers["authorization"] != f"Bearer {TOKEN}" else 200
                if status == 200 and collector.refusals:
                    status = collector.refusals.pop()
                if status == 200:
                    try:
                        collector.take(self.path, body)
                    except (json_format.ParseError, KeyError) as error:
                        collector.bodies.append(f"WRONG {error}")
                        status = 400
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path: str, body: str) -> None:
        message = json_format.Parse(body, KINDS[path]())
        self.bodies.append(body)
        if path.endswith("logs"):
            for resource in message.resource_logs:
                self.logs += [log for scope in resource.scope_logs for log in scope.log_records]
        else:
            for resource in message.resource_spans:
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/otlp"


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()


def attributes(of: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in of.attributes}


def test_decisions_and_outcomes_are_logs_and_traces(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTLP_TOKEN", TOKEN)
    policy = f"""
provider "otel" {{ type = "otlp-sink" url = "{collector.url}" token = env("OTLP_TOKEN") batch_wait = 50ms }}
agent "support-bot" {{ default deny rules {{ permit search deny payout reason "payouts are made by finance" }} }}
"""
    stack = Stack(tmp_path, policy)
    stack.start()
    try:
        monkeypatch.setenv("FARAMESH_SOCKET", str(stack.socket))

        def search(query: str) -> str:
            return query.upper()

        def payout(to: str) -> str:
            return to

        tools = GovernedToolSet([search, payout], agent_id="support-bot")
        assert tools[0]("a-secret-argument") == "A-SECRET-ARGUMENT"
        with pytest.raises(ToolDeniedException):
            tools[1]("another-secret-argument")
        deadline = time.monotonic() + 30
        while len(collector.spans) < 3:
            assert time.monotonic() < deadline, (collector.bodies, stack.command("status"))
            time.sleep(0.05)
    finally:
        stack.stop()

    assert not [body for body in collector.bodies if body.startswith("WRONG")]
    assert not [body for body in collector.bodies if "secret-argument" in body]
    assert not [body for body in collector.bodies if "made by finance" in body]
    by_name = {(span.name, attributes(span).get("faramesh.effect")): span for span in collector.spans}
    permit = by_name["faramesh.decision", "permit"]
    outcome = by_name["faramesh.outcome", None]
    assert outcome.parent_span_id == permit.span_id and outcome.trace_id == permit.trace_id
    assert attributes(permit)["gen_ai.tool.name"] == "search"
    denials = [log for log in collector.logs if attributes(log).get("faramesh.effect") == "deny"]
    assert denials and denials[0].severity_text == "WARN"
    assert attributes(denials[0])["faramesh.code"] == "POLICY_DENY"
    events = {log.event_name for log in collector.logs}
    assert {"faramesh.decision", "faramesh.outcome", "faramesh.lifecycle", "faramesh.policy"} <= events
