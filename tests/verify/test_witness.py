"""What a real witness cosigned of a real daemon's ledger is in its bundles, and all verifiers check it."""

import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import time

import pytest
from conftest import FARAMESH, place

POLICY = """runtime {{
  allow_self_declared_identity = true
}}
agent "support-bot" {{
  default deny
  rules {{ permit docs/* }}
}}
provider "w" {{
  type = "witness"
  url = "http://{address}"
  key = "{key}"
}}
"""
WAIT = 30


def cosigned(status):
    return max([witness["size"] for witness in status["witnesses"]], default=0)


class Daemon:
    """A daemon and its witness; the daemon ends with the test, the witness when it is told to."""

    def __init__(self, folder, faramesh):
        self.folder, self.faramesh = folder, faramesh
        self.wal = folder / "faramesh-wal"
        (folder / "governance.fms").write_text(POLICY.split("provider")[0].format())
        faramesh("apply")
        command = [FARAMESH, "witness", "--listen", "127.0.0.1:0", "--name", "w.example", "--format", "json"]
        command += ["--state", folder / "memory", "--trust", self.wal / "signing.pub"]
        self.witness = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        told = json.loads(self.witness.stdout.readline())
        self.key = told["key"]
        (folder / "governance.fms").write_text(POLICY.format(address=told["address"], key=self.key))
        faramesh("apply")

    def status(self):
        return json.loads(self.faramesh("status", "--format", "json"))

    def ask(self, count):
        path = self.status()["daemon"]["socket"]
        with socket.socket(socket.AF_UNIX) as agent:
            agent.connect(path)
            lines = agent.makefile("rb")
            for number in range(count):
                params = {"agent_id": "support-bot", "tool": "docs/search", "args": {"number": number}}
                agent.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "govern", "params": params}).encode() + b"\n")
                assert json.loads(lines.readline())["result"]["effect"] == "PERMIT"

    def until(self, holds):
        deadline = time.monotonic() + WAIT
        while not holds(status := self.status()):
            assert time.monotonic() < deadline, status
            time.sleep(0.1)
        return status

    def stop_witness(self):
        self.witness.send_signal(signal.SIGTERM)
        self.witness.wait(WAIT)


@pytest.fixture
def daemon(tmp_path, faramesh):
    daemon = Daemon(tmp_path, faramesh)
    yield daemon
    if daemon.witness.poll() is None:
        daemon.stop_witness()
    faramesh("apply", "--stop")


def both_records(folder):
    """How many records the last checkpoint of a folder covers; a daemon that ended well left none behind it."""
    note = (folder / "checkpoints.log").read_text().rsplit("checkpoint ", 1)[1]
    return int(note.split("\n")[2])


def judge(verifier, data, witness=None):
    import io

    try:
        return verifier.verify(io.BytesIO(data), witness=witness)
    except verifier.Broken as broken:
        return broken.line, broken.seq, broken.field


def test_cosignatures_are_in_bundles(daemon, faramesh, verifier, tmp_path):
    daemon.ask(20)
    size = cosigned(daemon.until(lambda status: cosigned(status) >= status["ledger"]["records"]))
    daemon.stop_witness()
    daemon.ask(20)
    # The newest checkpoint is not cosigned: an earlier one is, also among picked records.
    daemon.until(lambda status: status["ledger"]["checkpoint"]["size"] >= status["ledger"]["records"] >= size + 20)
    for name, filters in [("whole", []), ("picked", ["--agent", "support-bot", "--limit", "3"])]:
        path = tmp_path / f"{name}.bundle"
        faramesh("audit", "export", "--out", path, *filters)
        read = lambda *arguments, exit=0: json.loads(
            faramesh("audit", "verify-bundle", path, "--format", "json", *arguments, exit=exit)
        )
        for told in (read(), read("--witness-key", daemon.key)):
            (witness,) = told["witnesses"]
            assert (witness["key"], witness["size"], witness["checkpoints"]) == (daemon.key, size, 1), told
            assert told["size"] >= size + 20
        assert b"w.example cosigned" in faramesh("audit", "verify-bundle", path)
        data = path.read_bytes()
        bundle = judge(verifier, data, verifier.Key(daemon.key))
        assert [(key.text, key.signed[0]) for key in bundle.witnesses] == [(daemon.key, size)]
        other = daemon.wal / "signing.pub"
        assert place(read("--witness-key", other, exit=1))[2] == "witnesses"
        assert judge(verifier, data, verifier.Key(other.read_text().strip()))[2] == "witnesses"

        # A cosignature that is wrong, in a bundle whose sums were made to fit.
        lines = data.splitlines(keepends=True)
        number, line = next((number, line) for number, line in enumerate(lines) if b"w.example " in line and number)
        encoded = line.split(b"w.example ")[1].split(b"\\n")[0]
        signature = bytearray(base64.b64decode(encoded))
        for place_of_bit in (5, 20, len(signature) - 1):
            wrong = signature.copy()
            wrong[place_of_bit] ^= 1
            changed = lines[:-1]
            changed[number] = line.replace(encoded, base64.b64encode(wrong))
            end = json.loads(lines[-1])
            end["end"]["sha256"] = hashlib.sha256(b"".join(changed)).hexdigest()
            path.write_bytes(b"".join(changed) + json.dumps(end, separators=(",", ":")).encode() + b"\n")
            found = place(read(exit=1))
            assert found == (number + 1, size, "checkpoint.cosignature")
            assert judge(verifier, path.read_bytes()) == found


def test_what_the_witness_saw_must_be_there(daemon, faramesh, both, tmp_path):
    """Records and checkpoints that were cut off together: the note that the witness left is ahead of the rest."""
    daemon.ask(5)
    daemon.until(lambda status: cosigned(status) >= status["ledger"]["records"])
    faramesh("apply", "--stop")
    old = tmp_path / "old"
    old.mkdir()
    for file in daemon.wal.iterdir():
        if file.is_file():
            (old / file.name).write_bytes(file.read_bytes())
    faramesh("apply")
    daemon.ask(5)
    daemon.until(lambda status: cosigned(status) >= status["ledger"]["records"])
    for name in os.listdir(daemon.wal):
        if name.startswith("witnessed-"):
            (old / name).write_bytes((daemon.wal / name).read_bytes())
    faramesh("apply", "--stop")
    assert both(daemon.wal)["records"] > both_records(old)
    assert both(old) == ("witnessed-w.note", both_records(old) + 1, "checkpoint.size")
    faramesh("audit", "export", "--ledger", old, "--out", tmp_path / "old.bundle", exit=1)
    assert not (tmp_path / "old.bundle").exists()
    # A cosignature that somebody changed, or one of another key.
    note = daemon.wal / "witnessed-w.note"
    text = note.read_text()
    size, encoded = int(text.split("\n")[1]), text.rstrip("\n").rsplit(" ", 1)[1]
    for place_of_bit in (0, 6, 40):
        wrong = bytearray(base64.b64decode(encoded))
        wrong[place_of_bit] ^= 1
        note.write_text(text.replace(encoded, base64.b64encode(wrong).decode()))
        assert both(daemon.wal) == ("witnessed-w.note", size, "checkpoint.cosignature")
    note.write_text(text)
    faramesh("apply")
