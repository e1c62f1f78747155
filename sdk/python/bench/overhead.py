"""What the SDK adds to a decision: a governed call against a raw call on the same socket.

    python sdk/python/bench/overhead.py [--calls 2000] [--target 1.4]

Starts a daemon of its own on a temporary stack (`faramesh` on the path, or FARAMESH_BIN),
whose records are durable before it answers, and does one call of each kind in turn, so that
what else the machine does falls on all. The raw call is the least that a client can do:
one line, one `recv`, one `json.loads`. Prints JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from faramesh import GovernedToolSet, UnixSocketTransport

POLICY = """\
runtime { socket = "%s" allow_self_declared_identity = true }
agent "bench" {
  default deny
  rules { permit stripe/refund if amount < $500 }
}
"""
START_SECONDS = 20.0


def refund(order: str, amount: int) -> str:
    return "refunded"


def raw_call(path: str, outcome: bool) -> Callable[[], None]:
    """One `govern`, and an `outcome` on a second connection whose reply is not waited for."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    teller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    teller.connect(path)
    teller.setblocking(False)

    def call() -> None:
        params = {
            "tool": "stripe/refund",
            "args": {"order": "1042", "amount": 80},
            "call_id": str(uuid.uuid4()),
            "agent": "bench",
        }
        request = {"jsonrpc": "2.0", "id": 1, "method": "govern", "params": params}
        connection.sendall(json.dumps(request).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            line += connection.recv(65536)
        result = json.loads(line)["result"]
        if result["effect"] != "PERMIT":
            raise SystemExit(f"not permitted: {line!r}")
        if outcome:
            told = {"action_id": result["action_id"], "status": "ok", "duration_ms": 0}
            report = {"jsonrpc": "2.0", "id": 1, "method": "outcome", "params": told}
            teller.sendall(json.dumps(report).encode() + b"\n")
            with contextlib.suppress(BlockingIOError):
                teller.recv(65536)

    return call


class Untold(UnixSocketTransport):
    """The SDK's transport without the report of outcomes."""

    def tell(self, method: str, params: Mapping[str, Any]) -> None:
        return


def measure(calls: dict[str, Callable[[], object]], count: int) -> dict[str, dict[str, float]]:
    times: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for turn in range(count):
        # Each follows each: a call waits for the disk if the one before reported an outcome.
        random.Random(turn).shuffle(names)
        for name in names:
            began = time.perf_counter()
            calls[name]()
            times[name].append((time.perf_counter() - began) * 1e6)
    return {
        name: {
            "p50_us": round(statistics.median(found), 1),
            "p99_us": round(statistics.quantiles(found, n=100)[98], 1),
        }
        for name, found in times.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="The SDK's overhead on durable decisions.")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--target", type=float, help="exit 1 when the ratio of medians is above it")
    options = parser.parse_args()
    binary = os.environ.get("FARAMESH_BIN", "faramesh")
    with tempfile.TemporaryDirectory(prefix="fm-") as folder:
        path = str(Path(folder) / "agent.sock")
        (Path(folder) / "governance.fms").write_text(POLICY % path)
        daemon = subprocess.Popen(
            [binary, "dev", "--dir", folder, "--format", "json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": folder},
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not os.path.exists(path) and time.monotonic() < deadline:
                time.sleep(0.02)
            options_of: dict[str, Any] = {"agent_id": "bench", "names": {"refund": "stripe/refund"}}
            told = GovernedToolSet([refund], socket=path, **options_of)
            untold = GovernedToolSet([refund], transport=Untold(path), **options_of)
            calls: dict[str, Callable[[], object]] = {
                "raw_decision": raw_call(path, outcome=False),
                "sdk_decision": lambda: untold.refund(order="1042", amount=80),
                "raw_with_outcome": raw_call(path, outcome=True),
                "sdk_with_outcome": lambda: told.refund(order="1042", amount=80),
            }
            measure(calls, 200)
            found = measure(calls, options.calls)
        finally:
            daemon.terminate()
            daemon.wait(10)
    ratios = {
        kind: round(found[f"sdk_{kind}"]["p50_us"] / found[f"raw_{kind}"]["p50_us"], 3)
        for kind in ("decision", "with_outcome")
    }
    print(json.dumps({"calls": options.calls, **found, "ratio_of_medians": ratios}, indent=2))
    return 1 if options.target and max(ratios.values()) > options.target else 0


if __name__ == "__main__":
    sys.exit(main())
