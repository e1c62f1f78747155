"""Folders of ledgers: thousands of random damages are told by the Rust verifier and by docs/verify_folder.py, which
name the same place, and what somebody else kept is held against them by both."""

import collections
import json
import os
import shutil
import subprocess

from conftest import TARGET

SOAK = bool(os.environ.get("FARAMESH_SOAK"))
COUNT = 100_000 if SOAK else 2_000


def judge(folders, files, kept=()):
    """Where the folder breaks, or how many bytes at its end are those of a sudden end."""
    try:
        return folders.verify(files.get, list(files), None, kept).incomplete
    except folders.Damage as damage:
        return damage.file, damage.seq, damage.field


def test_every_tamper_is_told_by_both(folders):
    ways, other_place = collections.Counter(), []
    with subprocess.Popen([TARGET / "examples" / "folder_tampers", str(COUNT)], stdout=subprocess.PIPE) as child:
        while head := child.stdout.readline():
            told = json.loads(head)
            files = {name: child.stdout.read(length) for name, length in told["files"].items()}
            kept = [("kept.note", folders.Note(told["kept"], None))] if told["kept"] else []
            found = judge(folders, files, kept)
            way = told["name"].split(":")[0]
            ways[way] += 1
            if way == "sound":
                assert found == 0 and told["broken"] is None and not told["incomplete"], told["name"]
            elif told["broken"] is None:
                # Behind the last record, where a sudden end leaves such bytes: told as those.
                assert found == told["incomplete"] > 0, (told["name"], found)
                assert way in ("bit", "byte", "zeros", "swapped bytes"), told["name"]
            else:
                assert isinstance(found, tuple), (told["name"], told["broken"])
                if found[:2] != (told["broken"]["file"], told["broken"]["seq"]):
                    other_place.append((told["name"], told["broken"], found))
    assert child.returncode == 0
    assert sum(ways.values()) == COUNT + 2 and len(ways) == 19 and min(ways.values()) >= 2, ways
    # Which part of a file that is none is named first is a matter of reading order.
    assert len(other_place) < COUNT // 50, other_place[:10]


def entries(log):
    """The checkpoints of a log, each with its place."""
    at = 0
    while at < len(log):
        head = log.index(b"\n", at) + 1
        end = head + int(log[at:head].split()[1])
        yield at, log[head:end]
        at = end + 1


def test_a_checkpoint_that_was_kept_shows_what_is_missing(both, ledger, tmp_path):
    whole = ledger(400, "rotate")
    folder, kept = tmp_path / "folder", tmp_path / "kept.note"
    shutil.copytree(whole, folder)
    log = (folder / "checkpoints.log").read_bytes()
    (*_, (earlier, note), (last, newest)) = entries(log)
    kept.write_bytes(newest)
    size = int(newest.split(b"\n")[1])
    assert both(folder)["records"] == size
    assert both(folder, "--checkpoint", kept, "--public-key", folder / "signing.pub")["records"] == size
    # Checkpoints that were taken away, while the records stay.
    (folder / "checkpoints.log").write_bytes(log[:last])
    assert both(folder)["records"] == size
    assert both(folder, "--checkpoint", kept) == ("checkpoints.log", size, "checkpoint")
    # Records and checkpoints that were cut off at one place: what is left verifies by itself.
    (folder / "checkpoints.log").write_bytes(log[:last])
    left = int(note.split(b"\n")[1])
    segment = folder / "00000001.wal"
    data, at = segment.read_bytes(), 512
    for _ in range(left):
        at += 24 + (int.from_bytes(data[at + 8 : at + 12], "little") + 7) // 8 * 8
    segment.write_bytes(data[:at].ljust(len(data), b"\0"))
    assert left < size and both(folder)["records"] == left
    assert both(folder, "--checkpoint", kept) == ("kept.note", left + 1, "checkpoint.size")
    # A checkpoint of another ledger.
    (*_, (_, other)) = entries((ledger(402) / "checkpoints.log").read_bytes())
    kept.write_bytes(other)
    assert both(whole, "--checkpoint", kept)[2] in ("checkpoint.origin", "checkpoint.size")


def test_archived_segments(both, ledger, tmp_path):
    folder = tmp_path / "folder"
    shutil.copytree(ledger(2_000, "compact"), folder)
    assert both(folder)["archived"]["records"] > 1_000
    digests = sorted(folder.glob("*.digests"))[1]
    data = bytearray(digests.read_bytes())
    data[40] ^= 1
    digests.write_bytes(data)
    assert both(folder)[2] == "digests.root"


def test_a_tail_that_a_sudden_end_left_is_no_damage(both, ledger, tmp_path):
    folder = tmp_path / "folder"
    shutil.copytree(ledger(400, "rotate"), folder)
    segment = folder / "00000001.wal"
    data = segment.read_bytes()
    used = len(data.rstrip(b"\0")) + 7 & ~7
    # The beginning of a frame whose second half never arrived.
    segment.write_bytes(data[:used] + data[512:700] + bytes(len(data) - used - 188))
    assert both(folder)["incomplete_bytes"] > 0
