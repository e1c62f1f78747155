"""What the Python SDK costs: a governed function beside a bare request over the same socket, in one run.

    python benches/sdk/overhead.py FARAMESH        prints one JSON line per figure

Both wait for a permit that is on disk. Rounds of one and of the other alternate.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 30
CALLS = 100
POLICY = """
runtime { allow_self_declared_identity = true  socket = "agent.sock" }
agent "bench" { default deny rules { permit search if limit <= 10 } }
"""


def bare(path: str) -> Callable[[], None]:
    """One client that writes a request and reads its reply."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(path)
    numbers = itertools.count()

    def ask() -> None:
        number = next(numbers)
        request = {
            "jsonrpc": "2.0",
            "id": number,
            "method": "govern",
            "params": {
                "agent": "bench",
                "tool": "search",
                "args": {"query": "refunds", "limit": 5},
                "call_id": f"bare-{number}",
            },
        }
        connection.sendall(json.dumps(request).encode() + b"\n")
        reply = b""
        while not reply.endswith(b"\n"):
            reply += connection.recv(65536)
        if json.loads(reply)["result"]["effect"] != "PERMIT":
            raise SystemExit(f"not permitted: {reply!r}")

    return ask


def timed(ask: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    return times


def main() -> None:
    binary = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        Path(folder, "governance.fms").write_text(POLICY)
        daemon = subprocess.Popen(
            [binary, "apply", "--foreground", "--dir", folder, "--quiet"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"HOME": folder, "PATH": os.environ["PATH"]},
        )
        try:
            measure(str(Path(folder, "agent.sock")))
        finally:
            daemon.terminate()
            daemon.wait()


def measure(path: str) -> None:
    while not os.path.exists(path):
        time.sleep(0.05)
    from faramesh import GovernedToolSet

    def search(query: str, limit: int) -> str:
        return query

    tools = GovernedToolSet([search], agent_id="bench", socket=path)
    ask = bare(path)

    def governed() -> None:
        tools.search(query="refunds", limit=5)

    timed(ask), timed(governed)
    without, with_sdk = [], []
    for _ in range(ROUNDS):
        without += timed(ask)
        with_sdk += timed(governed)
    base, cost = statistics.median(without), statistics.median(with_sdk)
    for figure, value, unit in [
        ("python_bare_request_p50", base * 1e6, "us"),
        ("python_governed_call_p50", cost * 1e6, "us"),
        ("python_governed_over_bare", cost / base, "ratio"),
    ]:
        print(json.dumps({"figure": figure, "value": round(value, 3), "unit": unit}))


main()
