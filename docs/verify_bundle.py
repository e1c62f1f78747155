#!/usr/bin/env python3
"""Checks bundles of `faramesh audit export`: verify_bundle.py [--public-key FILE] [--witness-key FILE] BUNDLE...
Read it beside docs/protocols/bundle.md, from top to bottom. Needs Python 3.11 and `cryptography`, not Faramesh. Prints
JSON for each bundle; ends with 1 when one is broken, and names the first line that is not as it must be."""
import base64, contextlib, datetime, functools, hashlib, json, re, sys, urllib.parse
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
MAX_LINE, MAX_NOTE, MAX_KEYS, MAX_DEPTH, MAX_UNCOVERED_MS = 16 << 20, 64 << 10, 4096, 72, 60_000
MALFORMED = (ValueError, AttributeError, TypeError, KeyError, RecursionError, InvalidSignature)
class Broken(Exception):
    def __init__(self, seq, field, found=None):
        self.line, self.seq, self.field, self.found = None, seq or None, field, str(found)[:200]
def unfit(what):
    raise ValueError(what)
def need(fits, seq, field, found=None):
    if not fits:
        raise Broken(seq, field, found)
@contextlib.contextmanager
def reading(seq, field, found=None):
    try:
        yield
    except MALFORMED as error:
        raise Broken(seq, field, error if found is None else found) from None
# ---- canonical JSON: RFC 8785, but numbers keep all their digits -----------------------------------------------------
SHORTEST = re.compile(r"0|-?(?:[1-9]\d{0,20}(?:\.\d*[1-9])?|0\.0{0,5}[1-9](?:\d*[1-9])?|"
                      r"[1-9](?:\.\d*[1-9])?e(?:\+(?:2[1-9]|[3-9]\d|[1-9]\d{2,4})|-(?:[7-9]|[1-9]\d{1,4})))", re.A)
class Number(str):  # a number as it is written, known to be in its shortest exact form
    def __new__(cls, text):
        digits, _, exponent = text.partition("e")
        fits = len(re.sub("[-.]", "", digits).strip("0")) <= 1000 and -10_001 <= int(exponent or 0) < 10_000
        return str.__new__(cls, text) if fits and SHORTEST.fullmatch(text) else unfit("not the shortest exact number")
def write(value, depth=0):
    depth <= MAX_DEPTH or unfit("values nest too deep")
    if isinstance(value, dict):  # keys in the order of their UTF-16 code units
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{write(key)}:{write(value[key], depth + 1)}" for key in keys) + "}"
    return ("[" + ",".join(write(item, depth + 1) for item in value) + "]" if isinstance(value, list) else
            str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False))
def parse(data):  # the value of canonical JSON; ValueError for any other bytes, also for a key that is there twice
    value = json.loads(data.decode(), parse_int=Number, parse_float=Number, parse_constant=Number)
    return value if write(value).encode() == data else unfit("not canonical JSON")
def unbase64(text, size=None):
    data = base64.b64decode(text, validate=True)
    return data if base64.b64encode(data).decode() == text and len(data) == (size or len(data)) else unfit("not base64")
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
TIME = r"(?:19[7-9]|[2-9][0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
ORIGIN = r"faramesh\.dev/ledger/(?:[A-Za-z0-9._-]|%[0-9A-F]{2})+/[0-9a-f]{16}"
CHECKPOINT = re.compile(rf"({ORIGIN})\n([1-9][0-9]*)\n([A-Za-z0-9+/]{{43}}=)\ninstance ([A-Za-z0-9._%-]*)\n"
                        rf"epoch (0|[1-9][0-9]*)\ntime ({TIME})\nhead ([0-9a-f]{{64}})\n")
class Key:  # `<name>+<8 digits of id>+<base64 of algorithm and key>`
    def __init__(self, text):
        self.text, (self.name, key_id, encoded) = text, text.split("+", 2)
        marked = unbase64(encoded)
        self.id = sha256(self.name.encode() + b"\n" + marked)[:4]
        re.fullmatch(NAME, self.name) and self.id.hex() == key_id or unfit("not a key")
        self.is_witness, self.signed = marked[0] == 4, (0, 0)  # the most records that it signed for, a witness's time
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
        with reading(seq, "checkpoint", whole):
            text, _, lines = whole.rpartition("\n\n")
            lines, end = lines[:-1].split("\n"), lines[-1:]
            signed = [re.fullmatch(f"\u2014 ({NAME}) ([^ ]{{8,688}})", line).groups() for line in lines]
            signed = [(name, unbase64(data)) for name, data in signed]
            self.text, self.signatures = text + "\n", [(by, data[:4], data[4:] or unfit("?")) for by, data in signed]
            fits = text and end == "\n" and len(whole.encode()) <= MAX_NOTE and len(signed) <= 64
            need(fits and not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", whole), seq, "checkpoint", whole)
            self.origin, size, root, self.instance, epoch, time, head = CHECKPOINT.fullmatch(self.text).groups()
            self.size, self.root, self.epoch, self.head = int(size), unbase64(root, 32), int(epoch), bytes.fromhex(head)
            milliseconds(time)
    def check(self, key, data, field):
        with reading(self.size, f"checkpoint.{field}", f"none that is valid by {key and key.text}"):
            key.verify(data, self.text.encode())
    def must_be_signed_by(self, key, witnesses=()):  # by the key, and beside it by nobody but witnesses
        own = next((one for one in self.signatures if one[:2] == (key.name, key.id)), (0, 0, b""))
        self.check(key, own[2], "signature")
        key.signed = (self.size, 0)
        for name, key_id, data in (one for one in self.signatures if one is not own):
            witness = next((one for one in witnesses if (one.name, one.id) == (name, key_id)), None)
            self.check(witness, data, "cosignature")
            time = int.from_bytes(data[:8], "big")
            need(time < 253_402_300_800, self.size, "checkpoint.cosignature", time)  # the year 10000
            witness.signed = max(witness.signed, (self.size, time))
percent = lambda name: urllib.parse.quote(name, safe="").replace("~", "%7E")
origin_of = lambda stack, digits: f"faramesh.dev/ledger/{percent(stack)}/{digits}"
# ---- records: docs/protocols/ledger.md -------------------------------------------------------------------------------
TYPES = {name: kind for kind, names in {
    bool: "dev enforced", Number: "agent_seq epoch seq", dict: "approval identity rule", list: "delegation enforcement"
    " redacted trace", object: "args changes cost credential detail inputs", str: "action agent args_commitment call_id"
    " code effect id instance kind parent policy prev reason request_id session stack tier time tool v",
}.items() for name in names.split()}
FORMS = {"v": "dpr/1", "id": "dpr-[0-7][0-9A-HJKMNP-TV-Z]{25}", "time": TIME, "prev": "[0-9a-f]{64}", "seq": WHOLE,
         "kind": "decision|outcome|approval|grant|policy|lifecycle|emergency|credential|erasure", "epoch": WHOLE,
         "effect": "permit|defer|deny", "policy": "sha256:[0-9a-f]{64}", "agent_seq": WHOLE}
milliseconds = lambda time: round(datetime.datetime.fromisoformat(time).timestamp() * 1000)
class Record:
    def __init__(self, data, at):
        with reading(at, "record"):
            held = parse(data)
            for name, value in held.items():
                fits = TYPES.get(name) in (type(value), object) and re.fullmatch(FORMS.get(name, "(?s:.*)"), str(value))
                need(fits, at, name, value)
            needed = {"decision": " effect enforced code", "policy": " policy"}.get(held.get("kind"), "")
            for name in ("v id kind time stack instance prev epoch seq" + needed).split():
                need(name in held, at, name, "nothing")
            self.ms = milliseconds(held["time"])
        vars(self).update(dict.fromkeys(TYPES) | held, **{key: int(held[key]) for key in held if TYPES[key] is Number})
# ---- the bundle: its lines in order, the chain when it is complete, else the proofs ----------------------------------
RECORD = re.compile(rb'{"at":[1-9]\d*,"hash":"([\da-f]{64})"(?:,"proof":\[([^]]{0,3119})\])?(?:,"record":(.*))?}', re.S)
class Bundle:
    def __init__(self, pin=None, witness=None):
        self.pin, self.witness, self.begun, self.ended, self.newest = pin, witness, False, False, None
        self.keys, self.mode, self.pending, self.policy, self.agents = [], None, None, None, {}
        self.sum, self.number, self.records, self.size, self.covered, self.roots = hashlib.sha256(), 0, 0, 0, 0, []
        self.head, self.epoch, self.last, self.gap, self.too_long = bytes(32), 0, None, None, (None, 0)
    def line(self, data):
        self.number += 1
        need(data, None, "end", "nothing")
        seq = (found := re.match(rb'\{"at":([1-9][0-9]{0,20})', data)) and int(found[1])
        seq = seq if seq and seq < 1 << 64 else None
        need(len(data) <= MAX_LINE + 1, None, "line", "longer than a line may be")
        need(data.endswith(b"\n"), seq, "line", "a line without its end")
        need(not self.ended, None, "line", data)
        with reading(seq, "line", data):
            take, *rest = self.read(data[:-1], seq)
        need((take == self.begin) != self.begun, None, "line", data)
        take(*rest)
        self.sum.update(data)
    def read(self, data, seq):
        proof_of = lambda texts: None if texts is None else [unbase64(text, 32) for text in texts]
        if data.startswith(b'{"at":'):
            digest, proof, record = RECORD.fullmatch(data).groups()
            proof = proof_of(proof and parse(b"[" + proof + b"]"))
            return self.record, seq or unfit("not a number"), bytes.fromhex(digest.decode()), proof, record
        match parse(data):
            case {"bundle": "faramesh-bundle/1", "complete": bool(complete), "keys": [*keys], "origin": str(origin),
                  "stack": str(stack), **rest} if set(rest) <= {"witnesses"} and len(keys) <= MAX_KEYS:
                witnesses = rest.get("witnesses", [])
                not rest or type(witnesses) is list and 0 < len(witnesses) < 64 or unfit("not witnesses")
                return self.begin, complete, list(map(Key, keys)), origin, stack, list(map(Key, witnesses))
            case {"checkpoint": str(note), **rest} if set(rest) <= {"consistency"}:
                return self.checkpoint, note, proof_of(rest.get("consistency"))
            case {"policy": {"hash": str(digest), "program": str(program), **more}, **rest} if not (more or rest):
                return self.program, re.fullmatch("sha256:([0-9a-f]{64})", digest)[1], unbase64(program)
            case {"end": {"records": Number(records), "sha256": str(digest), **more}, **rest} if not (more or rest):
                return self.end, int(re.fullmatch(WHOLE, records)[0]), re.fullmatch("[0-9a-f]{64}", digest)[0]
    def begin(self, complete, keys, origin, stack, witnesses):
        self.begun, self.complete, self.told, self.origin, self.stack = True, complete, keys, origin, stack
        self.witnesses, ids = witnesses, {(key.name, key.id) for key in witnesses if key.is_witness}
        need(re.fullmatch(re.escape(origin_of(stack, "")) + "[0-9a-f]{16}", origin), None, "origin", origin)
        need(all(key.name == origin for key in keys) and (complete or keys), None, "keys", [key.text for key in keys])
        need(len(ids) == len(witnesses) and origin not in dict(ids), None, "witnesses", ids)
    def program(self, digest, program):
        need(not self.size and (self.complete or self.newest), None, "line", "a policy")
        need(sha256(program).hex() == digest, None, "policy.hash", digest)
    def checkpoint(self, text, proof):
        need(not self.complete or proof is None, None, "line", text)
        note = Note(text, self.size)
        if self.complete:
            need(note.size <= self.size, self.size + 1, "checkpoint.size", note.size)
            root = functools.reduce(lambda root, left: node(left, root), reversed(self.roots))
            held = {"size": self.size, "origin": self.origin, "root": root, "head": self.head}
            held |= {"epoch": self.epoch, "instance": percent(self.last.instance)} if self.last else {}
            for field, expected in held.items():
                need(getattr(note, field) == expected, note.size, f"checkpoint.{field}", getattr(note, field))
            self.gap, self.too_long = None, (None, 0)
        else:
            need(note.origin == self.origin, note.size, "checkpoint.origin", note.origin)
            need((self.newest is None) == (proof is None), note.size, "line", "not in its place")
            if self.newest is None:  # what all proofs are about; that this key is in force is borne out at the end
                self.newest = note
                return note.must_be_signed_by(self.told[-1], self.witnesses)
            newest, least = self.newest, max(self.size, self.covered + 1)
            need(least <= note.size <= newest.size, note.size, "checkpoint.size", note.size)
            need(is_beginning(note, newest, proof), note.size, "consistency", "another root")
            self.covered = note.size
        need(self.keys, note.size, "checkpoint.signature", "no key was announced")
        note.must_be_signed_by(self.keys[-1], self.witnesses)
        self.enforce()
    def record(self, at, digest, proof, data):
        need((proof is None) == self.complete and (self.complete or self.newest and data), at, "line", "proof or none")
        least, most = (self.size + 1,) * 2 if self.complete else (max(self.size, self.covered) + 1, self.newest.size)
        need(least <= at <= most, least if self.complete else at, "at", at)
        need(at > 1 or origin_of(self.stack, digest.hex()[:16]) == self.origin, at, "origin", self.origin)
        if data is None:  # the body is in an archive: its hash is in the tree, and the chain goes on anywhere behind it
            append(self.roots, at - 1, digest)
            self.size, self.head, self.epoch, self.last, self.policy, self.agents = at, digest, 0, None, False, {}
            return
        need(sha256(data) == digest, at, "hash", digest.hex())
        record = Record(data, at)
        need(record.seq == at, record.seq if self.complete else at, "seq", record.seq)
        if self.complete:
            self.follow(record, at)
            append(self.roots, at - 1, digest)
        else:
            need(record.stack == self.stack, at, "stack", record.stack)
            need(climb(at - 1, most - 1, [leaf(digest)], proof) == [self.newest.root], at, "proof", "another root")
        detail = record.detail if record.kind == "lifecycle" and isinstance(record.detail, dict) else {}
        detail.get("event") == "signing_key" and self.announce(detail, at)
        self.complete and self.watch(record, at)
        self.size, self.head, self.epoch, self.last, self.records = at, digest, record.epoch, record, self.records + 1
    def announce(self, detail, at):  # the first key is in force at once, another when the one before has signed
        with reading(at, "detail", detail):
            key, mode, replaces = Key(detail["key"]), detail["signing"], detail.get("replaces")
            replaces = replaces if replaces is None else Key(replaces).text
        current = self.keys[-1].text if self.keys else None
        fits = mode in ("checkpoint", "strict", "off") and key.name == self.origin and len(self.keys) < MAX_KEYS
        need(fits and not self.pending and replaces == (None if current == key.text else current), at, "detail", detail)
        self.pending = (key, mode)
        current or self.enforce()
    def enforce(self):
        if self.pending:
            (key, self.mode), self.pending = self.pending, None
            self.keys += [key] if not self.keys or self.keys[-1].text != key.text else []
    def follow(self, record, at):  # the chain: what a record must have in common with those before
        need(0 < record.epoch in (self.epoch, self.epoch + 1) or at > 1 and not self.epoch, at, "epoch", record.epoch)
        need(record.prev == self.head.hex(), at, "prev", record.prev)
        need(record.stack == self.stack, at, "stack", record.stack)
        need(record.epoch != self.epoch or record.instance == (self.last or record).instance, at, "instance")
        if record.agent is not None and record.agent_seq is not None:
            need(record.agent_seq > self.agents.get(record.agent, -1), at, "agent_seq", record.agent_seq)
            self.agents[record.agent] = record.agent_seq
        if record.kind == "policy" or record.kind == "decision" and self.policy is False:
            self.policy = record.policy or self.policy
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
        used = [key.text for key in self.keys + self.told if key.signed[0]]
        need(not self.pin or self.pin.text in used, None, "checkpoint.signature", "not the pinned key")
        need([key.text for key in self.keys] == [key.text for key in self.told], None, "keys", "others")
        named = [key.text for key in self.witnesses if key.signed[0]] + [self.witness and self.witness.text]
        need(len(named) > len(self.witnesses) and named[-1] in [None, *named[:-1]], None, "witnesses", named)
        self.ended = True
def verify(file, pin=None, witness=None):  # checks an open file; gives the Bundle, or raises Broken with its line
    bundle = Bundle(pin, witness)
    try:
        for data in iter(lambda: file.readline(MAX_LINE + 2), b""):
            bundle.line(data)
        bundle.ended or bundle.line(b"")
    except Broken as broken:
        broken.line = bundle.number
        raise
    return bundle
if __name__ == "__main__":
    keys, is_broken = {option: Key(open(file).read().strip()) for option, file in zip(sys.argv[1:], sys.argv[2:])
                       if option in ("--public-key", "--witness-key")}, False
    for path in sys.argv[1 + 2 * len(keys):]:
        try:
            held = verify(open(path, "rb"), keys.get("--public-key"), keys.get("--witness-key"))
            told = {"valid": True, "origin": held.origin, "complete": held.complete, "records": held.records,
                    "size": (held.newest or held).size, "witnesses": {key.text: key.signed for key in held.witnesses}}
        except Broken as broken:
            is_broken, told = True, {"valid": False, "broken": vars(broken)}
        print(json.dumps({"path": path, **told}))
    sys.exit(is_broken)
