/** The shared vectors of `sdk/conformance`, which the Python SDK and the daemon pass too. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { encodeJson, toJsonValue } from "../src/arguments.js";
import { ArgumentsInvalid, governed, isToolDenied, StubTransport, ToolDeferredError, ToolDeniedError } from "../src/node.js";
import { DaemonProtocolError } from "../src/errors.js";
import { parseResolution } from "../src/resolution.js";
import { type Fields, parseApproval, parseDecision } from "../src/wire.js";
import { startPeer } from "./fake-peer.js";

const folder = join(process.env["FARAMESH_REPOSITORY"] ?? "../../..", "sdk/conformance");
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));

/** `JSON.parse`, with integers beyond 2^53 as `bigint`. */
function exact(text: string): unknown {
  const tagged = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') || Number.isSafeInteger(Number(token)) ? token : `"bigint:${token}"`,
  );
  return JSON.parse(tagged, (_, value: unknown) =>
    typeof value === "string" && value.startsWith("bigint:") ? BigInt(value.slice("bigint:".length)) : value,
  );
}

/** The same value with its keys in canonical order; `JSON.stringify` writes numbers and texts canonically. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(",")}]`;
  if (typeof value !== "object" || value === null) return typeof value === "bigint" ? value.toString() : JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${sorted(Reflect.get(value, key))}`).join(",")}}`;
}

for (const { name, args, canonical, sha256, needs } of read("calls.json").calls) {
  // JavaScript has no exact decimals; such a number cannot be an argument here.
  if (needs === "decimal") continue;
  test(`call: ${name}`, () => {
    const sent = encodeJson(toJsonValue(exact(args)));
    assert.equal(sorted(exact(sent)), canonical);
    assert.equal(createHash("sha256").update(canonical).digest("hex"), sha256);
  });
}

for (const { name, args } of read("calls.json").invalid) {
  test(`not sent: ${name}`, async () => {
    const transport = new StubTransport().permit();
    await assert.rejects(governed((_: object) => "ran", { name: "x", transport })(JSON.parse(args)), ArgumentsInvalid);
    assert.equal(transport.calls.length, 0);
  });
}

const { call: said, replies } = read("replies.json");
const call = { tool: said.tool, callId: said.call_id, args: {} };
const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

for (const { name, result, expect } of replies) {
  test(`reply: ${name}`, () => {
    const met = ((): unknown => {
      try {
        return parseDecision(result, call);
      } catch (error) {
        return error;
      }
    })();
    const { kind, resolution, ...members } = expect as Fields & { kind: string; resolution?: Fields | null };
    for (const [member, value] of Object.entries(members)) {
      assert.deepEqual(Reflect.get(Object(met), camel(member)), value, member);
    }
    if (kind === "permit") return assert.ok(!isToolDenied(met));
    if (kind === "protocol_error") return assert.ok(met instanceof DaemonProtocolError);
    assert.ok(met instanceof ToolDeniedError && !(met instanceof DaemonProtocolError));
    assert.equal(met instanceof ToolDeferredError, kind === "defer");
    if (!resolution) return assert.equal(met.resolution.type, "none");
    assert.deepEqual(met.resolution, parseResolution(resolution));
    const known = met.resolution.type !== "other";
    const { type, ...fields } = resolution;
    for (const [field, value] of Object.entries(fields)) {
      assert.deepEqual(known ? Reflect.get(met.resolution, camel(field)) : resolution[field], value);
    }
    return assert.equal(met.resolution.type === "other" ? met.resolution.name : met.resolution.type, type);
  });
}

for (const { name, code, reply, line, close } of read("errors.json").errors) {
  test(`instead of a decision: ${name}`, async (t) => {
    const peer = await startPeer(t, (socket, request) => {
      if (close) socket.destroy();
      else if (line !== undefined) socket.write(`${line}\n`);
      else if (reply) {
        const id = reply.id === "ID" ? request.id : reply.id === "AS TEXT" ? String(request.id) : reply.id;
        socket.write(`${JSON.stringify({ ...reply, id })}\n`);
      }
    });
    const timeoutMs = code === "DAEMON_TIMEOUT" ? 100 : 10_000;
    const tool = governed(() => assert.fail("it ran"), { name: "x", socket: peer.path, timeoutMs, onDeny: "return" });
    await assert.rejects(tool(), (error) => isToolDenied(error) && error.code === code);
  });
}

for (const { status, reads } of read("errors.json").polls) {
  test(`poll: ${status}`, () => assert.equal(parseApproval({ status }).status, reads));
}
