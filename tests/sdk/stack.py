"""A stack in a temporary folder with a real daemon in front of it, and its operator."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

START_SECONDS = 20.0
STOP_SECONDS = 10.0
COMMAND_SECONDS = 30.0


def binary() -> Path:
    """The `faramesh` under test: FARAMESH_BIN, else the debug build of this checkout."""
    if given := os.environ.get("FARAMESH_BIN"):
        return Path(given).resolve()
    target = os.environ.get("CARGO_TARGET_DIR") or Path.home() / ".cache" / "faramesh" / "target"
    return Path(target) / "debug" / "faramesh"


class Stack:
    """One governance.fms, one `faramesh dev`, and commands that act on them."""

    def __init__(self, folder: Path, policy: str, command: tuple[str, ...] = ("dev",)) -> None:
        self.folder = folder
        self._command = command
        self.socket = folder / "agent.sock"
        self.log = folder / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None
        runtime = f'runtime {{ socket = "{self.socket}" }}\n\n'
        # A policy has one `runtime` block; the socket goes into the one that is there.
        own = re.sub(r"(?m)^runtime \{", rf'runtime {{ socket = "{self.socket}" ', policy, count=1)
        (folder / "governance.fms").write_text(own if own != policy else runtime + policy)

    def start(self) -> None:
        """Start the daemon and return once it takes connections."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [binary(), *self._command, "--dir", self.folder, "--format", "json"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise AssertionError(f"the daemon ended at once:\n{self.log.read_text()}")
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the daemon did not start:\n{self.log.read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask the daemon to end, as an operator's ctrl-c does, and insist that it does."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the daemon did not end on SIGTERM") from None
        self._process = None

    def kill(self) -> None:
        """End the daemon as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            self._process = None

    def freeze(self) -> None:
        """Keep the daemon from running while its socket stays open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # The signal is on its way for a moment, in which a call can still be answered.
        _, status = os.waitpid(self._process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), status

    def open_files(self) -> int:
        """How many files the daemon holds open."""
        assert self._process is not None
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def environment(self) -> dict[str, str]:
        """For commands and clients: nothing of the person's Faramesh, nor of this SDK."""
        own = ("FARAMESH_", "PYTHONPATH")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(own)}
        return {**kept, "HOME": str(self.folder), "NO_COLOR": "1"}

    def command(self, *arguments: str, format_json: bool = True) -> Any:
        """Run `faramesh ARGUMENTS` on this stack; its JSON output, which must be one value."""
        full = [str(binary()), *arguments, "--dir", str(self.folder)]
        if format_json:
            full += ["--format", "json"]
        done = subprocess.run(
            full,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout) if format_json else done.stdout

    def pending(self) -> list[dict[str, Any]]:
        """The approvals that wait, as `approvals list` shows them."""
        listed: list[dict[str, Any]] = self.command("approvals", "list")["approvals"]
        return [approval for approval in listed if approval["status"] == "pending"]

    def approve(self, approval_id: str, reason: str = "spoke to the customer") -> None:
        self.command("approvals", "approve", approval_id, "--reason", reason, format_json=False)

    def deny(self, approval_id: str, reason: str) -> None:
        self.command("approvals", "deny", approval_id, "--reason", reason, format_json=False)

    def wait_for_pending(self) -> dict[str, Any]:
        """The first approval, once there is one."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if waiting := self.pending():
                return waiting[0]
            time.sleep(0.05)
        raise AssertionError("no approval is waiting")

    def _answers(self) -> bool:
        # Commands find the daemon by this file, which it writes once both of its doors are open.
        if not (self.folder / ".faramesh" / "runtime" / "agent.env").exists():
            return False
        probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
            return True
