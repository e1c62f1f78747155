/**
 * The daemon against the shared vectors: canonical bytes, digests, and the shapes of real replies.
 *
 * With FARAMESH_UPDATE set, the canonical bytes in `calls.json` are written from the daemon's records.
 */

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { POLICY, startStack } from "./stack.js";

interface Vector {
  readonly name: string;
  readonly tool: string;
  readonly args: string;
  canonical?: string;
  sha256?: string;
}

const folder = join(process.env["FARAMESH_REPOSITORY"] ?? "", "sdk/conformance");
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));

const VECTORS = `\
runtime { allow_self_declared_identity = true }

agent "vectors" {
  default deny
  rules {
    permit vectors/*
  }
}
`;

/** Sends lines as they are and gives the replies, in the order of the lines. */
function exchange(socket: string, lines: string[]): Promise<{ id: number; result: Record<string, unknown> }[]> {
  return new Promise((done, fail) => {
    let text = "";
    const line = connect(socket, () => line.write(lines.map((each) => `${each}\n`).join("")));
    line.setEncoding("utf8").on("error", fail);
    line.on("data", (part) => {
      text += part;
      const replies = text.split("\n").slice(0, -1);
      if (replies.length < lines.length) return;
      line.end();
      done(replies.map((reply) => JSON.parse(reply)).sort((left, right) => left.id - right.id));
    });
  });
}

/** The text of a record's `args`, as it stands in the record: exact numbers must not go through `JSON.parse`. */
function argsOf(record: string): string {
  const start = record.indexOf('"args":') + '"args":'.length;
  for (let at = start, depth = 0, quoted = false; at < record.length; at += 1) {
    const letter = record[at];
    if (quoted) {
      if (letter === "\\") at += 1;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === "{" || letter === "[") depth += 1;
    else if ((letter === "}" || letter === "]") && --depth === 0) return record.slice(start, at + 1);
  }
  throw new Error("the record has no arguments");
}

test("canonical bytes and digests are the daemon's", async (t) => {
  const stack = await startStack(t, VECTORS, "apply");
  const vectors = read("calls.json");
  const all: Vector[] = [...vectors.calls, ...vectors.envelopes];
  const lines = all.map(({ tool, args }, id) => {
    return `{"jsonrpc":"2.0","id":${id},"method":"govern","params":{"agent":"vectors","tool":"${tool}","args":${args}}}`;
  });
  const replies = await exchange(stack.socket, lines);
  assert.deepEqual(replies.map(({ result }) => result["effect"]), all.map(() => "PERMIT"));

  const records = await stack.lines("decision");
  const keyFile = readdirSync(stack.folder, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith("commitment.key"));
  assert.ok(keyFile, "the ledger has a commitment key");
  const key = readFileSync(join(stack.folder, keyFile));
  for (const [at, vector] of all.entries()) {
    const line = records.find((record) => record.includes(String(replies[at]?.result["action_id"])));
    assert.ok(line, vector.name);
    const canonical = argsOf(line);
    const sha256 = createHash("sha256").update(canonical).digest("hex");
    const commitment = createHmac("sha256", key).update(canonical).digest("hex");
    assert.equal(JSON.parse(line).args_commitment, commitment, vector.name);
    if (process.env["FARAMESH_UPDATE"]) Object.assign(vector, { canonical, sha256 });
    assert.deepEqual([vector.canonical, vector.sha256], [canonical, sha256], vector.name);
  }
  // In ASCII, so that an editor cannot change what it does not show.
  const ascii = JSON.stringify(vectors, null, 2).replace(/[\u007f-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  if (process.env["FARAMESH_UPDATE"]) writeFileSync(join(folder, "calls.json"), `${ascii}\n`);
});

test("arguments that must not be sent are refused", async (t) => {
  const { socket } = await startStack(t);
  const invalid: { name: string; args: string }[] = read("calls.json").invalid;
  for (const { name, args } of invalid) {
    const params = `{"agent":"support-bot","tool":"knowledgebase/search","args":${args}}`;
    const [reply] = await exchange(socket, [`{"jsonrpc":"2.0","id":1,"method":"govern","params":${params}}`]);
    assert.notEqual(reply?.result?.["effect"], "PERMIT", name);
  }
});

test("real replies have the shapes of the vectors", async (t) => {
  const { socket } = await startStack(t, POLICY);
  const { replies }: { replies: { name: string; result: Record<string, unknown> }[] } = read("replies.json");
  const vector = (name: string) => replies.find((each) => each.name === name)?.result ?? {};
  const govern = (id: number, tool: string, amount: number) => {
    const params = { agent: "support-bot", call_id: `call-${id}`, tool, args: { amount } };
    return JSON.stringify({ jsonrpc: "2.0", id, method: "govern", params });
  };
  const lines = [govern(1, "stripe/refund", 1), govern(2, "stripe/refund", 20_000), govern(3, "stripe/refund", 8000)];
  const real = (await exchange(socket, lines)).map(({ result }) => result);
  for (const [at, name] of ["permit", "POLICY_DENY rule_block", "POLICY_DEFER pending_approval"].entries()) {
    const members = new Set(Object.keys(real[at] ?? {}));
    members.delete("call_id");
    const expected = Object.keys(vector(name)).filter((member) => member !== "call_id");
    assert.deepEqual([...members].sort(), expected.sort(), name);
    const [given, told] = [real[at]?.["resolution"], vector(name)["resolution"]].map((value) => Object.keys(Object(value)).sort());
    assert.deepEqual(given, told, name);
  }
});
