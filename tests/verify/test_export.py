"""`audit export` of real signed ledgers, and `audit verify-bundle` of what it wrote."""

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess

import pytest
from conftest import FARAMESH, place

SMALL, LARGE = 2_000, 100_000
# What a hundred thousand records more may cost: they are more than 80 MiB.
MAX_GROWTH_KIB = 12 << 10


def export(faramesh, folder, out, *filters):
    faramesh("audit", "export", "--ledger", folder, "--out", out, *filters)
    return out


def verdict(faramesh, path, *arguments, exit=0):
    told = json.loads(faramesh("audit", "verify-bundle", path, "--format", "json", *arguments, exit=exit))
    assert told["valid"] == (exit == 0)
    return told


def python_verdict(verifier, path):
    with open(path, "rb") as file:
        try:
            return verifier.verify(file).records
        except verifier.Broken as broken:
            return broken.line, broken.seq, broken.field


def test_the_whole_ledger(faramesh, ledger, verifier, tmp_path):
    folder = ledger(SMALL)
    path = export(faramesh, folder, tmp_path / "whole.bundle")
    told = verdict(faramesh, path)
    # The policy and the start of each run, the announcements of both keys.
    assert told["complete"] and told["records"] == told["size"] == SMALL + 6, told
    assert told["covered"] == told["size"] and len(told["keys"]) == 2 and told["stack"] == "books & more"
    assert python_verdict(verifier, path) == told["records"]
    assert path.stat().st_mode & 0o777 == 0o600
    faramesh("audit", "export", "--ledger", folder, "--out", path, exit=1)
    stdout = faramesh("audit", "export", "--ledger", folder, "--format", "bundle")
    assert stdout == path.read_bytes()


@pytest.mark.parametrize("filters", [["--agent", "rare"], ["--limit", "7"], ["--tool", "stripe/*", "--limit", "300"]])
def test_picked_records_are_proved(faramesh, ledger, verifier, tmp_path, filters):
    path = export(faramesh, ledger(SMALL), tmp_path / "picked.bundle", *filters)
    told = verdict(faramesh, path)
    assert not told["complete"] and told["size"] == SMALL + 6 and len(told["keys"]) == 2, told
    asked = {"rare": 20, "7": 7, "300": 300}[filters[-1]]
    assert asked <= told["records"] <= asked + 2, "the announcements of the keys are there too"
    assert python_verdict(verifier, path) == told["records"]
    lines = path.read_bytes().splitlines(keepends=True)
    for number in range(len(lines)):
        changed = lines.copy()
        middle = len(changed[number]) // 2
        changed[number] = changed[number][:middle] + b"~" + changed[number][middle + 1 :]
        if number % 10 and number < len(lines) - 1:
            continue
        broken = tmp_path / "broken.bundle"
        broken.write_bytes(b"".join(changed))
        found = place(verdict(faramesh, broken, exit=1))
        assert found[0] == number + 1 and python_verdict(verifier, broken) == found


def test_archived_records_are_hashes_or_are_read(faramesh, ledger, verifier, tmp_path):
    folder = ledger(SMALL, "compact")
    hashes = export(faramesh, folder, tmp_path / "hashes.bundle")
    bodies = export(faramesh, folder, tmp_path / "bodies.bundle", "--include-archived")
    told = verdict(faramesh, hashes)
    assert told["archived"] > SMALL // 2 and told["archived"] + told["records"] == told["size"] > SMALL, told
    assert python_verdict(verifier, hashes) == told["records"]
    whole = verdict(faramesh, bodies)
    assert (whole["records"], whole["archived"], whole["root"]) == (told["size"], 0, told["root"])
    assert python_verdict(verifier, bodies) == whole["records"]
    # Moved archives are named; of those that are nowhere nothing is made up.
    moved = folder.parent / "moved"
    shutil.copytree(folder / "archive", moved)
    again = export(
        faramesh, folder, tmp_path / "again.bundle", "--include-archived", "--archive", moved, "--agent", "rare"
    )
    assert verdict(faramesh, again)["records"] >= 20
    none = tmp_path / "none.bundle"
    faramesh(
        "audit", "export", "--ledger", folder, "--out", none, "--include-archived", "--archive", tmp_path / "x", exit=1
    )
    assert not none.exists()
    # A hash that was changed, by somebody who makes the sums fit, is told at the next checkpoint or record.
    lines = hashes.read_bytes().splitlines(keepends=True)
    digests = [number for number, line in enumerate(lines) if b'"record":' not in line and line.startswith(b'{"at":')]
    for number in digests[:: len(digests) // 5]:
        changed = lines[:-1]
        head, digest = changed[number].split(b'"hash":"')
        changed[number] = head + b'"hash":"' + digest.translate(bytes.maketrans(b"0123", b"1230"))
        end = json.loads(lines[-1])
        end["end"]["sha256"] = hashlib.sha256(b"".join(changed)).hexdigest()
        hashes.write_bytes(b"".join(changed) + json.dumps(end, separators=(",", ":")).encode() + b"\n")
        found = place(verdict(faramesh, hashes, exit=1))
        assert found[2] in ("prev", "checkpoint.root", "hash") and python_verdict(verifier, hashes) == found


def test_a_change_of_key_that_nothing_follows(faramesh, ledger, verifier, tmp_path):
    folder = ledger(50, "rotate")
    whole = export(faramesh, folder, tmp_path / "whole.bundle")
    picked = export(faramesh, folder, tmp_path / "picked.bundle", "--agent", "support")
    for path in (whole, picked):
        assert python_verdict(verifier, path) == verdict(faramesh, path)["records"]
    assert len(verdict(faramesh, whole)["keys"]) == 3


def test_a_known_key_can_be_demanded(faramesh, ledger, tmp_path):
    folder = ledger(SMALL)
    key = folder / "signing.pub"
    other = tmp_path / "other.pub"
    other.write_text((ledger(SMALL + 2) / "signing.pub").read_text())
    for filters in [[], ["--agent", "rare"]]:
        path = export(faramesh, folder, tmp_path / f"{len(filters)}.bundle", *filters)
        assert verdict(faramesh, path, "--public-key", key)["pinned"]
        assert verdict(faramesh, path, "--public-key", other, exit=1)["broken"]["field"] == "checkpoint.signature"


def test_other_formats(faramesh, ledger):
    folder = ledger(SMALL)
    run = lambda *arguments: faramesh("audit", "export", "--ledger", folder, *arguments)
    lines = run("--format", "jsonl", "--agent", "rare").splitlines()
    assert len(lines) == 20 and {json.loads(line)["agent"] for line in lines} == {"rare"}
    whole = json.loads(run("--format", "json", "--agent", "rare", "--include-public-keys"))
    assert [json.loads(line) for line in lines] == whole["records"] and len(whole["public_keys"]) == 2
    rows = list(csv.DictReader(io.StringIO(run("--format", "csv", "--limit", "5").decode())))
    assert len(rows) == 5 and rows[-1]["seq"] == str(SMALL + 6)
    faramesh("audit", "export", "--ledger", folder, "--format", "csv", "--include-public-keys", exit=2)


def peak_kib(*arguments):
    """The most memory that the command had at once."""
    with open(os.devnull, "wb") as nowhere:
        child = subprocess.Popen([FARAMESH, *map(str, arguments)], stdout=nowhere, env={"HOME": "/nonexistent"})
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss


@pytest.mark.parametrize("arguments", [[], ["--tool", "stripe/*"], ["--format", "jsonl"], ["--format", "json"]])
def test_memory_is_bounded(ledger, arguments):
    small, large = (peak_kib("audit", "export", "--ledger", ledger(size), *arguments) for size in (SMALL, LARGE))
    assert large - small < MAX_GROWTH_KIB, (small, large)
