#!/usr/bin/env python3
"""Checks bundles of `faramesh audit export` without Faramesh: verify_bundle.py [--public-key FILE] BUNDLE...
Read it beside docs/protocols/bundle.md, from top to bottom. Needs Python 3.11 and `cryptography`. Prints JSON for each
bundle; ends with 1 when one is broken, and names the first line that is not as it must be, and the record."""
import base64, datetime, decimal, functools, hashlib, json, re, sys, urllib.parse
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
MAX_LINE, MAX_NOTE, MAX_KEYS, MAX_DEPTH, MAX_UNCOVERED_MS = 16 << 20, 64 << 10, 4096, 72, 60_000
MALFORMED = (ValueError, AttributeError, TypeError, KeyError, ArithmeticError, RecursionError)
class Broken(Exception):
    def __init__(self, seq, field, found=None):
        self.line, self.seq, self.field, self.found = None, seq or None, field, str(found)[:200]
def unfit(what):
    raise ValueError(what)
def need(fits, seq, field, found=None):
    if not fits:
        raise Broken(seq, field, found)
# ---- canonical JSON: RFC 8785, but numbers keep all their digits -----------------------------------------------------
class Number(str):  # a number as it is written, known to be in its shortest exact form
    def __new__(cls, text):
        _, digits, exponent = decimal.Decimal(text).as_tuple()
        point = len(digits) + exponent  # where the decimal point stands in the digits
        digits = "".join(map(str, digits)).rstrip("0")
        shortest = f"{digits[:1]}{'.' * (len(digits) > 1)}{digits[1:]}e{point - 1:+d}"
        if 0 < point <= 21:
            shortest = digits[:point].ljust(point, "0") + "." * (point < len(digits)) + digits[point:]
        elif -6 < point <= 0:
            shortest = f"0.{'0' * -point}{digits}"
        fits = text == "0" or text.removeprefix("-") == shortest and len(digits) <= 1000 and abs(point) <= 10_000
        return str.__new__(cls, text) if fits and text != "-0" else unfit("a number is not in its shortest exact form")
def write(value, depth=0):
    depth <= MAX_DEPTH or unfit("values nest too deep")
    if isinstance(value, dict):  # keys in the order of their UTF-16 code units
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{write(key)}:{write(value[key], depth + 1)}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(write(item, depth + 1) for item in value) + "]"
    return str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)
def parse(data):  # the value of canonical JSON; ValueError for any other bytes, also for a key that is there twice
    value = json.loads(data.decode(), parse_int=Number, parse_float=Number, parse_constant=Number)
    return value if write(value).encode() == data else unfit("not canonical JSON")
def unbase64(text, size=None):
    data = base64.b64decode(text, validate=True)
    fits = base64.b64encode(data).decode() == text and len(data) == (size or len(data))
    return data if fits else unfit("not base64 of that size")
# ---- the Merkle tree of RFC 6962 over the records' hashes, and proofs as RFC 9162 checks them ------------------------
sha256 = lambda data: hashlib.sha256(data).digest()
leaf = lambda record_hash: sha256(b"\0" + record_hash)
node = lambda left, right: sha256(b"\1" + left + right)
def append(roots, size, record_hash):  # roots of the complete subtrees, the largest first: one per bit of the size
    roots.append(leaf(record_hash))
    while size & 1:
        roots[-2:], size = [node(*roots[-2:])], size >> 1
def climb(place, last, roots, proof):
    """From a subtree up to the root. roots[0] takes only what stands to its left: it is the root of the old tree."""
    for other in proof:
        if place & 1 or place == last:
            roots = [node(other, root) for root in roots]
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            roots = roots[:-1] + [node(roots[-1], other)]
        place, last = place >> 1, last >> 1
    return roots if last == 0 else None
def is_beginning(old, new, proof):
    if old.size == new.size:
        return old.root == new.root and not proof
    up = (old.size & -old.size).bit_length() - 1  # a tree of 2^n leaves is itself the first subtree
    first, *rest = [old.root, *proof] if old.size == 1 << up else proof or [b""]
    return climb((old.size - 1) >> up, (new.size - 1) >> up, [first, first], rest) == [old.root, new.root]
# ---- keys and signed notes: C2SP signed-note and tlog-checkpoint -----------------------------------------------------
ECDSA = {b"\xffecdsa-p256-sha256\n\4": hashes.SHA256(), b"\xffecdsa-p384-sha384\n\4": hashes.SHA384()}
NAME, WHOLE = r"[^\s+\x00-\x1f\x7f-\x9f]{1,1024}", "[0-9]{1,20}"
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
ORIGIN = r"faramesh\.dev/ledger/(?:[A-Za-z0-9._-]|%[0-9A-F]{2})+/[0-9a-f]{16}"
CHECKPOINT = re.compile(rf"({ORIGIN})\n([1-9][0-9]*)\n([A-Za-z0-9+/]{{43}}=)\ninstance ([A-Za-z0-9._%-]*)\n"
                        rf"epoch (0|[1-9][0-9]*)\ntime ({TIME})\nhead ([0-9a-f]{{64}})\n")
class Key:  # `<name>+<8 digits of id>+<base64 of algorithm and key>`
    def __init__(self, text):
        self.text = text
        self.name, key_id, encoded = text.split("+", 2)
        marked = unbase64(encoded)
        self.id = sha256(self.name.encode() + b"\n" + marked)[:4]
        re.fullmatch(NAME, self.name) and self.id.hex() == key_id or unfit("not a key")
        for mark, curve in zip(ECDSA, (ec.SECP256R1(), ec.SECP384R1())):
            if marked.startswith(mark):
                key = ec.EllipticCurvePublicKey.from_encoded_point(curve, marked[len(mark) - 1:])
                self.verify = lambda signature, text: key.verify(signature, text, ec.ECDSA(ECDSA[mark]))
                return
        edwards = ed25519.Ed25519PublicKey.from_public_bytes(marked[1:])
        cosigned = lambda data, text: edwards.verify(  # a witness: 8 bytes of time, and a signature over time and text
            data[8:], b"cosignature/v1\ntime %d\n" % int.from_bytes(data[:8], "big") + text)
        self.verify = {1: edwards.verify, 4: cosigned}.get(marked[0]) or unfit("not a known algorithm")
class Note:
    def __init__(self, whole, seq):
        try:
            text, _, lines = whole.rpartition("\n\n")
            self.text, self.signatures = text + "\n", []
            for line in lines.removesuffix("\n").split("\n"):
                name, encoded = re.fullmatch(f"\u2014 ({NAME}) ([^ ]+)", line).groups()
                data = unbase64(encoded)
                self.signatures.append((name, data[:4], data[4:]) if 4 < len(data) <= 516 else unfit("a length"))
            fits = text and lines.endswith("\n") and len(whole.encode()) <= MAX_NOTE and len(self.signatures) <= 64
            need(fits and not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", whole), seq, "checkpoint", whole)
            self.origin, size, root, self.instance, epoch, time, head = CHECKPOINT.fullmatch(self.text).groups()
            self.size, self.root, self.epoch, self.head = int(size), unbase64(root, 32), int(epoch), bytes.fromhex(head)
            milliseconds(time)
        except MALFORMED:
            raise Broken(seq, "checkpoint", whole) from None
    def must_be_signed_by(self, key):
        found = [data for name, key_id, data in self.signatures if (name, key_id) == (key.name, key.id)] + [b""]
        try:
            key.verify(found[0], self.text.encode())
        except InvalidSignature:
            raise Broken(self.size, "checkpoint.signature", f"no valid signature by {key.text}") from None
percent = lambda name: urllib.parse.quote(name, safe="").replace("~", "%7E")
origin_of = lambda stack, digits: f"faramesh.dev/ledger/{percent(stack)}/{digits}"
# ---- records: docs/protocols/ledger.md -------------------------------------------------------------------------------
TYPES = {name: kind for kind, names in {
    str: "action agent args_commitment call_id code effect id instance kind parent policy prev reason request_id"
    " session stack tier time tool v", Number: "agent_seq epoch seq", bool: "dev enforced", dict: "approval identity rule",
    list: "delegation enforcement redacted trace", object: "args changes cost credential detail inputs",
}.items() for name in names.split()}
FORMS = {"v": "dpr/1", "id": "dpr-[0-7][0-9A-HJKMNP-TV-Z]{25}", "time": TIME, "prev": "[0-9a-f]{64}", "seq": WHOLE,
         "kind": "decision|outcome|approval|grant|policy|lifecycle|emergency|credential|erasure", "epoch": WHOLE,
         "effect": "permit|defer|deny", "policy": "sha256:[0-9a-f]{64}", "agent_seq": WHOLE}
def milliseconds(time):
    moment = datetime.datetime.fromisoformat(time)
    return round(moment.timestamp() * 1000) if re.fullmatch(TIME, time) and moment.year >= 1970 else unfit("not a time")
class Record:
    agent = agent_seq = detail = policy = None
    def __init__(self, data, at):
        try:
            member = parse(data)
            for name, value in member.items():
                need(TYPES.get(name) in (type(value), object), at, name, value)
            needed = {"decision": "effect enforced code", "policy": "policy"}.get(member.get("kind"), "")
            for name in f"v id kind time stack instance prev epoch seq {needed}".split():
                need(name in member, at, name, "nothing")
            for name in FORMS:
                need(name not in member or re.fullmatch(FORMS[name], member[name]), at, name, member.get(name))
            self.ms = milliseconds(member["time"])
        except MALFORMED as error:
            raise Broken(at, "record", error) from None
        vars(self).update(member, **{name: int(value) for name, value in member.items() if TYPES[name] is Number})
# ---- the bundle: its lines in order, the chain when it is complete, else the proofs ----------------------------------
RECORD = re.compile(rb'\{"at":([0-9]+),"hash":"([0-9a-f]{64})",(?:"proof":\[([^\]]{0,3119})\],)?"record":(.*)\}', re.S)
class Bundle:
    def __init__(self, pin=None):
        self.pin, self.begun, self.ended, self.newest = pin, False, False, None
        self.keys, self.mode, self.pending, self.used, self.policy, self.agents = [], None, None, [], None, {}
        self.sum, self.records, self.size, self.covered, self.roots = hashlib.sha256(), 0, 0, 0, []
        self.head, self.epoch, self.last, self.gap, self.too_long = bytes(32), 0, None, None, (None, 0)
    def line(self, data):
        seq = re.match(rb'\{"at":([1-9][0-9]{0,20})', data)
        seq = int(seq[1]) if seq and int(seq[1]) < 1 << 64 else None
        need(len(data) <= MAX_LINE + 1, None, "line", "longer than a line may be")
        need(data.endswith(b"\n"), seq, "line", "a line without its end")
        need(not self.ended, None, "line", data)
        try:
            take, *rest = self.read(data[:-1], seq)
        except MALFORMED:
            raise Broken(seq, "line", data) from None
        need((take == self.begin) != self.begun, None, "line", data)
        take(*rest)
        self.sum.update(data)
    def read(self, data, seq):
        proof_of = lambda texts: None if texts is None else [unbase64(text, 32) for text in texts]
        if data.startswith(b'{"at":'):
            digits, digest, proof, record = RECORD.fullmatch(data).groups()
            str(seq).encode() == digits or unfit("not a number")
            proof = proof_of(proof and parse(b"[" + proof + b"]"))
            return self.record, seq, bytes.fromhex(digest.decode()), proof, record
        match parse(data):
            case {"bundle": "faramesh-bundle/1", "complete": bool(complete), "keys": [*keys], "origin": str(origin),
                  "stack": str(stack), **rest} if not rest and len(keys) <= MAX_KEYS:
                return self.begin, complete, [Key(key) for key in keys], origin, stack
            case {"checkpoint": str(note), **rest} if set(rest) <= {"consistency"}:
                return self.checkpoint, note, proof_of(rest.get("consistency"))
            case {"policy": {"hash": str(digest), "program": str(program), **more}, **rest} if not (more or rest):
                return self.program, re.fullmatch("sha256:([0-9a-f]{64})", digest)[1], unbase64(program)
            case {"end": {"records": Number(records), "sha256": str(digest), **more}, **rest} if not (more or rest):
                return self.end, int(re.fullmatch(WHOLE, records)[0]), re.fullmatch("[0-9a-f]{64}", digest)[0]
    def begin(self, complete, keys, origin, stack):
        self.begun, self.complete, self.told, self.origin, self.stack = True, complete, keys, origin, stack
        need(re.fullmatch(re.escape(origin_of(stack, "")) + "[0-9a-f]{16}", origin), None, "origin", origin)
        need(all(key.name == origin for key in keys) and (complete or keys), None, "keys", [key.text for key in keys])
    def program(self, digest, program):
        need(not self.records and (self.complete or self.newest), None, "line", "a policy")
        need(sha256(program).hex() == digest, None, "policy.hash", digest)
    def checkpoint(self, text, proof):
        need(not self.complete or proof is None, None, "line", text)
        note = Note(text, self.size)
        if self.complete:
            need(note.size <= self.size, self.size + 1, "checkpoint.size", note.size)
            root = functools.reduce(lambda root, left: node(left, root), reversed(self.roots))
            is_held = {"size": self.size, "origin": self.origin, "root": root, "head": self.head, "epoch": self.epoch,
                       "instance": percent(self.last.instance)}
            for field, expected in is_held.items():
                need(getattr(note, field) == expected, note.size, f"checkpoint.{field}", getattr(note, field))
            self.gap, self.too_long = None, (None, 0)
        else:
            need(note.origin == self.origin, note.size, "checkpoint.origin", note.origin)
            need((self.newest is None) == (proof is None), note.size, "line", "not in its place")
            if self.newest is None:  # what all proofs are about; that this key is in force is borne out at the end
                self.newest = note
                return note.must_be_signed_by(self.told[-1])
            newest, least = self.newest, max(self.size, self.covered + 1)
            need(least <= note.size <= newest.size, note.size, "checkpoint.size", note.size)
            need(is_beginning(note, newest, proof), note.size, "consistency", "another root")
            self.covered = note.size
        need(self.keys, note.size, "checkpoint.signature", "no key was announced")
        note.must_be_signed_by(self.keys[-1])
        self.used.append(self.keys[-1].text)
        self.enforce()
    def record(self, at, digest, proof, data):
        need((proof is None) == self.complete and (self.complete or self.newest), at, "line", "a proof, or none")
        least, most = (self.size + 1,) * 2 if self.complete else (max(self.size, self.covered) + 1, self.newest.size)
        need(least <= at <= most, least if self.complete else at, "at", at)
        need(sha256(data) == digest, at, "hash", digest.hex())
        record = Record(data, at)
        need(record.seq == at, record.seq if self.complete else at, "seq", record.seq)
        if self.complete:
            self.follow(record, at)
            append(self.roots, at - 1, digest)
        else:
            need(record.stack == self.stack, at, "stack", record.stack)
            need(climb(at - 1, most - 1, [leaf(digest)], proof) == [self.newest.root], at, "proof", "another root")
        if record.kind == "lifecycle" and isinstance(record.detail, dict):
            self.announce(record.detail, at)
        if self.complete:
            self.watch(record, at)
            need(at > 1 or origin_of(record.stack, digest.hex()[:16]) == self.origin, at, "origin", self.origin)
        self.size, self.head, self.epoch, self.last, self.records = at, digest, record.epoch, record, self.records + 1
    def announce(self, detail, at):  # the first key is in force at once, another when the one before has signed
        if detail.get("event") != "signing_key":
            return
        try:
            key, mode, replaces = Key(detail["key"]), detail["signing"], detail.get("replaces")
            replaces = replaces if replaces is None else Key(replaces).text
        except MALFORMED:
            raise Broken(at, "detail", detail) from None
        current = self.keys[-1].text if self.keys else None
        fits = mode in ("checkpoint", "strict", "off") and key.name == self.origin and len(self.keys) < MAX_KEYS
        need(fits and not self.pending and replaces == (None if current == key.text else current), at, "detail", detail)
        self.pending = (key, mode)
        if current is None:
            self.enforce()
    def enforce(self):
        if self.pending:
            (key, self.mode), self.pending = self.pending, None
            self.keys += [key] if not self.keys or self.keys[-1].text != key.text else []
    def follow(self, record, at):  # the chain: what a record must have in common with those before
        need(record.epoch in ({self.epoch, self.epoch + 1} - {0}), at, "epoch", record.epoch)
        need(record.prev == self.head.hex(), at, "prev", record.prev)
        last = self.last or record
        need(record.stack == last.stack, at, "stack", record.stack)
        need(record.instance == last.instance or record.epoch != last.epoch, at, "instance", record.instance)
        if record.agent is not None and record.agent_seq is not None:
            need(record.agent_seq > self.agents.get(record.agent, -1), at, "agent_seq", record.agent_seq)
            self.agents[record.agent] = record.agent_seq
        self.policy = record.policy if record.kind == "policy" else self.policy
        need(record.kind != "decision" or record.policy in (None, self.policy), at, "policy", record.policy)
    def watch(self, record, at):  # while signing is announced, a minute of records of one run needs a checkpoint
        gap = self.gap if self.gap and self.gap[1] == record.epoch else (at, record.epoch, record.ms)
        self.gap, lasted = gap if self.mode in ("checkpoint", "strict") else None, record.ms - gap[2]
        if self.gap and lasted > max(MAX_UNCOVERED_MS, self.too_long[1]):
            self.too_long = (gap[0], lasted)
    def end(self, records, digest):
        need(records == self.records, None, "end.records", records)
        need(self.sum.hexdigest() == digest, None, "end.sha256", digest)
        need(not self.too_long[0], self.too_long[0], "checkpoint", "no checkpoint for a minute")
        need(self.complete or self.newest, None, "checkpoint", "none")
        used = self.used + [key.text for key in self.told[-1:] if not self.complete]
        need(not self.pin or self.pin.text in used, None, "checkpoint.signature", "not the pinned key")
        need([key.text for key in self.keys] == [key.text for key in self.told], None, "keys", "others")
        self.ended = True
def verify(file, pin=None):  # checks an open file; gives the Bundle, or raises Broken with its line
    bundle, number = Bundle(pin), 0
    try:
        for number, data in enumerate(iter(lambda: file.readline(MAX_LINE + 2), b""), 1):
            bundle.line(data)
        number += 1
        need(bundle.ended, None, "end", "nothing")
    except Broken as broken:
        broken.line = number
        raise
    return bundle
if __name__ == "__main__":
    pin, is_broken = Key(open(sys.argv[2]).read().strip()) if sys.argv[1:2] == ["--public-key"] else None, False
    for path in sys.argv[3 if pin else 1:]:
        try:
            bundle = verify(open(path, "rb"), pin)
            told = {"valid": True, "origin": bundle.origin, "complete": bundle.complete, "records": bundle.records}
        except Broken as broken:
            is_broken, told = True, {"valid": False, "broken": vars(broken)}
        print(json.dumps({"path": path, **told}))
    sys.exit(is_broken)
