#!/usr/bin/env python3
"""Checks the folder of a ledger without Faramesh: verify_folder.py [--public-key FILE] [--checkpoint FILE]... FOLDER...
Read it beside docs/protocols/ledger.md, "The files"; records, tree and signatures are checked by verify_bundle.py, which
lies beside it. `--checkpoint` demands that the ledger begins as a checkpoint says that somebody else kept: without one, a
folder that was put back to an older state verifies. Prints JSON for each folder; ends with 1 when one is broken."""
import functools, json, pathlib, re, struct, sys
from verify_bundle import (MALFORMED, MAX_NOTE, Broken, Bundle, Key, Note, Number, Record, append, milliseconds, node, origin_of, parse,
                           sha256, unfit)
FRAME, HEADER, MAX_FRAME, SECTOR, WORD = struct.Struct("<4sBBHIIQ"), 512, 2 << 20, 512, b"checkpoint "
MAX_ENTRY = len(WORD) + 6 + MAX_NOTE + 1
root_of = lambda roots: functools.reduce(lambda root, left: node(left, root), reversed(roots)) if roots else sha256(b"")
whole = lambda value: int(value) if type(value) is Number else unfit("not a number")
hash_of = lambda text: bytes.fromhex(re.fullmatch("[0-9a-f]{64}", text)[0])
class Damage(Exception):
    def __init__(self, file, offset, seq, field, found=None):
        self.file, self.offset, self.seq, self.field, self.found = file, offset, seq, field, str(found)[:200]
# ---- frames: crates/ledger/src/frame.rs and segment.rs ---------------------------------------------------------------
TABLE = []
for crc in range(256):
    for _ in range(8):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    TABLE.append(crc)
def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
aligned = lambda length: (FRAME.size + length + 7) & ~7
class Frame:
    """The frame that `data` begins with. `state` is "whole", "zero", "short" (`size` bytes are needed) or "bad"."""
    def __init__(self, data, is_sure=False):
        self.size, self.state = FRAME.size, "short"
        if len(data) < FRAME.size:
            return
        magic, version, kind, self.place, length, crc, self.seq = FRAME.unpack_from(data)
        self.state = "bad" if any(data[:FRAME.size]) else "zero"
        if magic == b"FRMF" and version == 1 and kind < 9 and aligned(length) <= MAX_FRAME:
            self.size, end = aligned(length), FRAME.size + length
            self.state, self.record = "short", bytes(data[FRAME.size:end])
            if len(data) >= self.size:
                fits = is_sure or crc32c(bytes(data[:12]) + bytes(data[16:FRAME.size]) + self.record) == crc
                self.state = "whole" if fits and not any(data[end:self.size]) else "bad"
def is_torn(tail, offset, seq):
    """Whether bytes that are no frame are what a crash leaves: a batch with a sector that never arrived, and no later one
    behind it. Bytes that did arrive and are not as they were written are damage."""
    used = len(tail.rstrip(b"\0"))
    if bin(int.from_bytes(tail[:used], "little")).count("1") == 1:
        return False  # a bit in the unused part
    flipped = bytearray(tail[:MAX_FRAME])
    for bit in range(min(FRAME.size, len(flipped)) * 8):  # one flipped bit of a header is no crash either
        flipped[bit // 8] ^= 1 << bit % 8
        if Frame(flipped).state == "whole":
            return False
        flipped[bit // 8] ^= 1 << bit % 8
    magic, length = tail[:4], int.from_bytes(tail[8:12], "little")
    known = len(tail) >= FRAME.size and magic == b"FRMF" and aligned(length) <= MAX_FRAME
    covered = FRAME.size + (length if known else 0)
    edges = [0, *range(SECTOR - offset % SECTOR, covered, SECTOR), covered]
    sectors = (tail[start:end] for start, end in zip(edges, edges[1:]) if end <= len(tail))
    if used >= covered and all(any(sector) for sector in sectors):
        return False
    place, view = 8, memoryview(tail)
    while place < used:
        frame = Frame(view[place:])
        if frame.state == "whole" and frame.seq - frame.place > seq:
            return False
        place += frame.size if frame.state == "whole" else 8
    return True
class Head:  # the first 512 bytes of a segment
    def __init__(self, data):
        crc32c(data[:508]) == int.from_bytes(data[508:512], "little") and data[:8] == b"FRMSEG01" or unfit("not a segment")
        self.number, self.capacity, self.epoch, self.first_seq, self.prev = struct.unpack_from("<QQQQ32s", data, 8)
# ---- the ledger: what is in its files goes to the check of a complete bundle -----------------------------------------
class Ledger(Bundle):
    def __init__(self, read, names, expected):
        super().__init__()
        self.read_file, self.names, self.complete, self.told, self.witnesses = read, names, True, [], []
        self.place, self.absent, self.compactions, self.incomplete = (None, 0), {}, [], 0
        self.kept, self.expected = expected, sorted(expected, key=lambda one: -one[1].size)
        self.entries = list(reversed(self.log()))
    def need(self, fits, file, offset, field, found=None, seq=None):
        if not fits:
            raise Damage(file, offset, self.size + 1 if seq is None else seq, field, found)
    def log(self):  # the entries of checkpoints.log; only an incomplete last one is passed over
        name, entries, at = "checkpoints.log", [], 0
        data = self.read_file(name) or b""
        while rest := data[at:at + MAX_ENTRY]:
            head = re.match(rb"checkpoint (0|[1-9][0-9]{0,4})\n", rest)
            length = int(head[1]) if head and int(head[1]) <= MAX_NOTE else None
            begun = len(rest) < 17 and b"\n" not in rest and (rest.startswith(WORD) or WORD.startswith(rest))
            end, seq = head.end() + length if length is not None else 0, entries[-1][1].size if entries else 0
            try:
                begun or end + 1 > len(rest) or length is not None and rest[end] == 10 or unfit("no entry")
                if begun or end + 1 > len(rest):
                    self.incomplete += len(data) - at
                    break
                text = rest[head.end():end].decode()
                self.need(not entries or entries[-1][2] != text, name, at, "checkpoint", "the last one again", seq)
                entries.append((at, Note(text, None), text))
            except (Broken, *MALFORMED):
                # Sectors that never arrived read as zeros; an entry that was kept has none.
                self.need(len(data) - at <= MAX_ENTRY and b"\0" in rest, name, at, "checkpoint", rest[:80], seq)
                self.incomplete += len(data) - at
                break
            at += end + 1
        return entries
    def take(self, data, file, offset):
        self.place, digest = (file, offset), sha256(data)
        if self.size == 0:
            self.stack = Record(data, 1).stack
            self.origin = origin_of(self.stack, digest.hex()[:16])
        self.record(self.size + 1, digest, None, data)
        detail = self.last.detail if self.last.kind == "lifecycle" and isinstance(self.last.detail, dict) else {}
        if detail.get("event") == "segment_compacted":
            self.compactions.append(detail)
        self.due()
    def due(self):
        while self.entries and self.entries[-1][1].size <= self.size:
            offset, note, text = self.entries.pop()
            self.place = ("checkpoints.log", offset)
            self.checkpoint(text, None)
        while self.expected and self.expected[-1][1].size <= self.size:
            file, note = self.expected.pop()
            held = {"origin": self.origin, "root": root_of(self.roots), "head": self.head}
            for field, value in held.items():
                self.need(getattr(note, field) == value, file, 0, f"checkpoint.{field}", getattr(note, field), note.size)
            signed = [(key, data) for key in self.keys for name, id, data in note.signatures if (name, id) == (key.name, key.id)]
            self.need(signed, file, 0, "checkpoint.signature", "by no key of this ledger", note.size)
            self.place = (file, 0)
            note.check(*signed[0], "signature")
    def manifest(self, segment):
        name = f"{segment:08}.manifest"
        data = self.read_file(name)
        if data is None:
            return None
        try:
            held = parse(data.removesuffix(b"\n"))
            numbers = {key: whole(held.pop(key)) for key in "bytes epoch first_seq last_seq records segment".split()}
            hashes = {key: hash_of(held.pop(key)) for key in "file_sha256 head prev root".split()}
            milliseconds(held.pop("sealed_at"))
            held == {"v": "manifest/1"} and data.endswith(b"\n") or unfit("other members")
        except MALFORMED as error:
            raise Damage(name, 0, self.size + 1, "manifest", error) from None
        return {**numbers, **hashes}
    def segment(self, number, data, is_last):
        name, view, manifest, unfit_manifest = f"{number:08}.wal", memoryview(data), None, None
        try:
            manifest = self.manifest(number)
        except Damage as damage:  # told behind the segment, whose own damage comes first
            unfit_manifest = damage
        try:
            head = Head(data[:HEADER])
        except MALFORMED as error:
            raise Damage(name, 0, self.size + 1, "segment", error) from None
        self.need(head.number == number, name, 0, "segment", head.number)
        self.need(head.first_seq == self.size + 1, name, 0, "seq", head.first_seq)
        self.need(head.prev == self.head, name, 0, "prev", head.prev.hex())
        self.need(len(data) <= head.capacity, name, 0, "segment", len(data))
        at, first, roots, is_sure = HEADER, self.size, [], manifest and sha256(data) == manifest["file_sha256"]
        while (frame := Frame(view[at:], is_sure)).state == "whole":
            self.need(frame.seq == self.size + 1, name, at, "seq", frame.seq, frame.seq)
            self.take(frame.record, name, at)
            append(roots, self.size - 1 - first, self.head)
            at += frame.size
        if rest := data[at:].rstrip(b"\0"):
            self.need(is_last and is_torn(data[at:], at, self.size + 1), name, at, "frame", "no frame")
            self.incomplete += len(rest)
        if is_last:
            newer = [int(other[:-9]) for other in self.names if re.fullmatch(r"[0-9]{8,}\.manifest", other)]
            return self.need(max(newer, default=0) < number, f"{number + 1:08}.wal", 0, "segment", "nothing")
        self.need(len(data) == head.capacity, name, at, "segment", len(data))
        if unfit_manifest:
            unfit_manifest.seq = self.size
            raise unfit_manifest
        is_so = {"segment": number, "epoch": head.epoch, "first_seq": head.first_seq, "last_seq": self.size,
                 "records": self.size - first, "prev": head.prev, "head": self.head, "root": root_of(roots),
                 "bytes": len(data), "file_sha256": sha256(data)}
        for field, value in is_so.items() if manifest else ():
            self.need(manifest[field] == value, f"{number:08}.manifest", 0, f"manifest.{field}", manifest[field], self.size)
    def compacted(self, number):  # the body is in an archive: digests, the records that stayed, and the chain behind them
        name, manifest, carry = f"{number:08}.carry", self.manifest(number), self.read_file(f"{number:08}.carry")
        self.need(manifest, f"{number:08}.manifest", 0, "manifest", "nothing")
        self.need((manifest["first_seq"], manifest["prev"]) == (self.size + 1, self.head), name, 0, "manifest.prev")
        digests, seq = self.read_file(f"{number:08}.digests") or b"", manifest["first_seq"]
        self.need(len(digests) == 32 * manifest["records"], f"{number:08}.digests", 0, "digests", len(digests), seq)
        roots, digest_of = [], {}
        for at in range(0, len(digests), 32):
            digest_of[seq + at // 32] = digests[at:at + 32]
            append(roots, at // 32, digests[at:at + 32])
        self.need((digests or manifest["prev"])[-32:] == manifest["head"], f"{number:08}.digests", 0, "digests.head", "", seq)
        self.need(root_of(roots) == manifest["root"], f"{number:08}.digests", 0, "digests.root", root_of(roots).hex(), seq)
        try:
            head, *lines = carry.removesuffix(b"\n").split(b"\n")
            head = parse(head)
            agents = [parse(line) for line in lines[:int(head["agents"])]]
            kept = [re.fullmatch(rb'\{"offset":([0-9]+),"record":(.*)\}', line)[2] for line in lines[len(agents):]]
            kept = {int(parse(record)["seq"]): record for record in kept}
            self.need(int(head["segment"]) == number and int(head["kept"]) == len(kept), name, 0, "carry", head)
            agents = {one["agent"]: int(one["agent_seq"]) for one in agents}
            policy, epoch = head["policy"] and f"sha256:{head['policy']}", int(head["epoch"])
            behind, resumed = (int(head["last_seq"]), hash_of(head["head"])), Resumed(head)
        except MALFORMED as error:
            raise Damage(name, 0, self.size + 1, "carry", error) from None
        self.need(behind == (manifest["last_seq"], manifest["head"]), name, 0, "carry.head", head["head"], manifest["last_seq"])
        for seq, record in kept.items():
            self.need(sha256(record) == digest_of.get(seq), name, 0, "record", "another record", seq)
        if self.size == 0:
            self.stack = resumed.stack
            self.origin = origin_of(self.stack, digests[:8].hex())
        for seq, digest in digest_of.items():
            self.place = (f"{number:08}.digests", 0)
            if seq in kept:
                self.take(kept[seq], name, 0)
            else:
                self.record(seq, digest, None, None)
                self.due()
        self.absent[number] = self.size, {"carry_sha256": sha256(carry).hex(), "root": manifest["root"].hex(),
                                          "file_sha256": manifest["file_sha256"].hex(), "bytes": str(manifest["bytes"])}
        self.epoch, self.policy, self.agents, self.last = epoch, policy, agents, resumed
    def finish(self, pin):
        for number, (seq, is_so) in self.absent.items():
            told = [detail for detail in self.compactions if detail.get("segment") == str(number)]
            is_told = any(all(detail.get(field) == value for field, value in is_so.items()) for detail in told)
            wrong = [f"manifest.{field}" for field in is_so if told and told[0].get(field) != is_so[field]]
            field = (wrong or ["carry.sha256"])[0].replace("manifest.carry_sha256", "carry.sha256")
            self.need(is_told, f"{number:08}.carry", 0, field, "no record of the compaction to this", seq)
        if self.entries:  # it covers records that are not there
            self.place = ("checkpoints.log", self.entries[-1][0])
            self.checkpoint(self.entries[-1][2], None)
        self.need(not self.too_long[0], "checkpoints.log", 0, "checkpoint", "none for a minute", self.too_long[0])
        signers = [key.text for key in self.keys if key.signed[0]]
        self.need(not pin or pin.text in signers, "checkpoints.log", 0, "checkpoint.signature", "not the pinned key")
        covered = max((key.signed[0] for key in self.keys), default=0)
        size, file = max([(note.size, file) for file, note in self.kept], default=(0, None))
        self.need(size <= self.size, file, 0, "checkpoint.size", f"{self.size} records, not {size}")
        self.need(size <= covered, "checkpoints.log", 0, "checkpoint", f"checkpoints of {covered} records, not {size}", size)
class Resumed:  # what the chain knows of the last record of a compacted segment
    def __init__(self, head):
        self.stack, self.instance = head["stack"], head["instance"]
        {str} == {type(self.stack), type(self.instance)} or unfit("not names")
def witnessed(read, names):  # what witnesses cosigned, beside the ledger
    found = []
    for name in sorted(name for name in names if re.fullmatch(r"witnessed-.*\.note", name)):
        public = read(name.removesuffix("note") + "pub")
        try:
            note = Note(read(name).decode(), None)
            if public is not None:
                key = Key(public.decode().strip())
                data = [data for by, key_id, data in note.signatures if (by, key_id) == (key.name, key.id)]
                note.check(key, (data or [b""])[0], "cosignature")
                found.append((name, note))
        except (Broken, *MALFORMED) as error:
            raise Damage(name, 0, getattr(error, "seq", None) or 0, "checkpoint.cosignature", error) from None
    return found
def verify(read, names, pin=None, checkpoints=()):
    """Checks the files that `read` gives by name (None for one that is not there); gives the Ledger, or raises Damage."""
    expected = [*checkpoints, *witnessed(read, names)]
    ledger = Ledger(read, names, expected)
    numbers = sorted({int(name.split(".")[0]) for name in names if re.fullmatch(r"(?:[0-9]{8}|[1-9][0-9]{8,})\.(?:wal|carry)", name)})
    try:
        for expected_number, number in enumerate(numbers, 1):
            ledger.need(number == expected_number, f"{expected_number:08}.wal", 0, "segment", "nothing")
            body, is_last = read(f"{number:08}.wal"), number == numbers[-1]
            ledger.need(body is not None or not is_last, f"{number + 1:08}.wal", 0, "segment", "nothing")
            ledger.compacted(number) if body is None else ledger.segment(number, body, is_last)
        ledger.finish(pin)
    except Broken as broken:
        raise Damage(*ledger.place, broken.seq, broken.field, broken.found) from None
    except MALFORMED as error:  # of what this does not foresee nothing passes either
        raise Damage(*ledger.place, ledger.size + 1, "file", error) from None
    return ledger
if __name__ == "__main__":
    options, is_broken = list(zip(sys.argv[1:], sys.argv[2:])), False
    options = [(option, file) for option, file in options if option in ("--public-key", "--checkpoint")]
    pins = [Key(open(file).read().strip()) for option, file in options if option == "--public-key"]
    notes = [(file, Note(open(file).read(), None)) for option, file in options if option == "--checkpoint"]
    for path in map(pathlib.Path, sys.argv[1 + 2 * len(options):]):
        read = lambda name: (path / name).read_bytes() if (path / name).is_file() else None
        try:
            ledger = verify(read, [entry.name for entry in path.iterdir()], *pins[:1] or [None], notes)
            covered = max((key.signed[0] for key in ledger.keys), default=0)
            told = {"valid": True, "records": ledger.size, "covered": covered, "archived": ledger.size - ledger.records,
                    "incomplete_bytes": ledger.incomplete}
        except Damage as damage:
            is_broken, told = True, {"valid": False, "broken": vars(damage)}
        print(json.dumps({"path": str(path), **told}))
    sys.exit(is_broken)
