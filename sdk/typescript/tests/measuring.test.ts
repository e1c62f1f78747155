/** What an outcome says that a run used and cost. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { governed, type GovernOptions, StubTransport } from "../src/node.js";

async function told(result: unknown, measure?: GovernOptions["measure"]): Promise<unknown> {
  const transport = new StubTransport().permit();
  const tool = governed(() => result, { name: "tool", transport, ...(measure ? { measure } : {}) });
  assert.equal(await tool(), result);
  const { cost, usage } = transport.outcomes[0] ?? {};
  return { ...(cost === undefined ? {} : { cost }), ...(usage === undefined ? {} : { usage }) };
}

test("texts and bytes are measured, and nothing else by itself", async () => {
  for (const [result, size] of [["plain", 5], ["größer", 8], ["", 0], [new Uint8Array(3), 3]] as const) {
    assert.deepEqual(await told(result), { usage: { output_bytes: size } });
  }
  assert.deepEqual(await told({ a: "text" }), {});
  assert.deepEqual(await told(undefined), {});
});

test("the developer says what a result cost", async () => {
  const usage = { model: "m", input_tokens: 10, output_tokens: 2 };
  assert.deepEqual(await told({}, () => ({ usage })), { usage });
  assert.deepEqual(await told("ab", () => ({ cost: 0.25 })), { cost: 0.25, usage: { output_bytes: 2 } });
  assert.deepEqual(await told("ab", () => undefined), { usage: { output_bytes: 2 } });
});

test("a measure that fails changes nothing", async () => {
  const failing = (): never => {
    throw new TypeError("a secret of the result");
  };
  assert.deepEqual(await told({}, failing), {});
});
