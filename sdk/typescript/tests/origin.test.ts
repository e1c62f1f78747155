/** Who a call is for: what the framework's context says, and what it cannot say. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { governedTools, StubTransport } from "../src/node.js";
import { personOf } from "../src/origin.js";

const faramesh = { principal: { role: "agent" }, sessionId: "s-1", requestId: "r-9", tags: { team: "blue", size: 3 } };

test("the context is an object or a map, and says what is under `faramesh`", () => {
  const said = { sessionId: "s-1", thread: "t", requestId: "r-9", principal: { role: "agent" }, tags: { team: "blue", size: "3" } };
  assert.deepEqual(personOf({ id: "call-1", thread: "t", context: { faramesh } }), said);
  assert.deepEqual(personOf({ id: "call-1", thread: "t", context: new Map([["faramesh", faramesh]]) }), said);
  const nobody = { sessionId: "", thread: "", requestId: "call-1", principal: {}, tags: {} };
  for (const context of [undefined, null, "text", {}, { sessionId: "s-1" }, { faramesh: "x" }, Object.create({ faramesh }) as object]) {
    assert.deepEqual(personOf({ id: "call-1", context }), nobody);
  }
  assert.equal(personOf({ id: "x".repeat(300) }).requestId, "");
});

test("a session of the run counts before the set's, and that before the thread", async () => {
  const transport = new StubTransport().permit();
  const tool = {
    lc_namespace: ["langchain", "tools"],
    name: "refund",
    invoke: () => assert.fail("it asks through `_call`"),
    _call: async (_: object, _manager?: unknown, _config?: object) => "ran",
  };
  const [free] = governedTools([tool] as const, { transport });
  const [bound] = governedTools([tool] as const, { transport, sessionId: "own" });
  await free._call({}, undefined, { configurable: { thread_id: 7 } });
  await bound._call({}, undefined, { configurable: { thread_id: "t" } });
  await bound._call({}, undefined, { configurable: { thread_id: "t", faramesh } });
  assert.deepEqual(transport.calls.map(({ sessionId }) => sessionId), ["7", "own", "s-1"]);
});

test("a model's arguments say nothing about who calls", async () => {
  const transport = new StubTransport().permit();
  const { refund } = governedTools({ refund: { inputSchema: {}, execute: async (_: object, _call?: object) => "ran" } }, { transport });
  await refund.execute({ faramesh, sessionId: "s-1" }, { toolCallId: "call-1" });
  assert.deepEqual([transport.calls[0]?.sessionId, transport.calls[0]?.requestId], ["", "call-1"]);
});
