/** How functions are seen, and that their types stay. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ArgumentsInvalid, governed, governedTools, StubTransport, ToolDeniedError } from "../src/node.js";

const stub = (): StubTransport => new StubTransport().permit();

test("parameters have the names that `params` gives them", async () => {
  const transport = stub();
  const refund = governed((order: string, amount?: number) => `${order}: ${amount}`, {
    name: "stripe/refund",
    params: ["order", "amount"],
    transport,
  });
  const result: string = await refund("o-1", 80);
  assert.equal(result, "o-1: 80");
  assert.equal(await refund("o-2"), "o-2: undefined");
  assert.deepEqual(transport.calls.map(({ args }) => args), [{ order: "o-1", amount: 80 }, { order: "o-2" }]);
  assert.deepEqual([refund.name, refund.length], ["", 2]);
});

test("what the policy cannot see does not run", async () => {
  const transport = stub();
  const never = (): never => assert.fail("it ran");
  assert.throws(() => governed((_a: string, _b: string) => never(), { name: "two", transport }), /`two` takes 2 parameters/);
  const one = governed((_: object) => never(), { name: "one", transport });
  await assert.rejects((one as (...given: unknown[]) => Promise<unknown>)({}, 1), ArgumentsInvalid);
  await assert.rejects((one as (...given: unknown[]) => Promise<unknown>)("text"), ArgumentsInvalid);
  const named = governed((_: string) => never(), { name: "named", params: ["a"], transport });
  await assert.rejects((named as (...given: unknown[]) => Promise<unknown>)("a", "b"), ArgumentsInvalid);
  assert.equal(transport.calls.length, 0);
});

test("hidden arguments reach the tool and not the policy", async () => {
  const transport = stub();
  const database = { rows: new WeakMap() };
  const query = governed(({ text, db }: { text: string; db: object }) => [text, db], {
    name: "query",
    hideArgs: ["db"],
    transport,
  });
  assert.deepEqual(await query({ text: "x", db: database }), ["x", database]);
  assert.deepEqual(transport.calls[0]?.args, { text: "x" });
});

test("methods keep their `this`, generators stay generators", async () => {
  const transport = stub();
  class Till {
    cash = 5;
    take = governed(
      function (this: Till, { amount }: { amount: number }) {
        this.cash -= amount;
        return this.cash;
      },
      { name: "take", transport },
    );
  }
  assert.equal(await new Till().take({ amount: 2 }), 3);
  assert.throws(() => governed(function* () { yield 1; }, { name: "g", transport }), /async function\*/);
  async function* numbers() {
    yield 1;
    yield 2;
  }
  const made = governed(numbers, { transport })();
  assert.deepEqual([await made.next(), await made.next(), (await made.next()).done], [{ value: 1, done: false }, { value: 2, done: false }, true]);
  const passedOn = governed(() => numbers(), { name: "numbers", transport }) as unknown as () => Promise<unknown>;
  await assert.rejects(passedOn(), /say so with `streaming`/);
  const said = governed(() => numbers(), { name: "numbers", streaming: true, transport })();
  assert.equal((await said.next()).value, 1);
  await said.return(undefined);
  assert.deepEqual(transport.outcomes.map(({ status }) => status), ["ok", "ok", "error", "ok"]);
});

test("a stream that a tool returns ends the run when it was read", async () => {
  const transport = stub();
  const stream = await governed(() => new Blob(["hello"]).stream(), { name: "s", transport })();
  assert.ok(stream instanceof ReadableStream);
  assert.equal(transport.outcomes.length, 0);
  assert.equal(await new Response(stream).text(), "hello");
  assert.deepEqual(transport.outcomes.map(({ status }) => status), ["ok"]);
  const failing = await governed(
    () => new ReadableStream({ pull: (controller) => controller.error(new RangeError("broken")) }),
    { name: "s", transport },
  )();
  await assert.rejects(failing.getReader().read(), RangeError);
  assert.equal(transport.outcomes[1]?.["error"], "RangeError");

  class Lines implements AsyncIterable<string> {
    async *[Symbol.asyncIterator]() {
      yield "one";
      throw new SyntaxError("two");
    }
  }
  const lines = new Lines();
  const same: Lines = await governed(async () => lines, { name: "s", transport })();
  assert.equal(same, lines);
  await assert.rejects(async () => {
    for await (const line of same) assert.equal(line, "one");
  }, SyntaxError);
  assert.equal(transport.outcomes[2]?.["error"], "SyntaxError");
});

test("names: from the options, from the tool, or its own", async () => {
  const transport = stub();
  const search = Object.assign(() => "found", { governedName: "knowledgebase/search" });
  const [first, second, third] = governedTools([function refund() { return 1; }, search, function own() { return 2; }] as const, {
    transport,
    names: { refund: "stripe/refund" },
  });
  await first();
  await second();
  await third();
  assert.deepEqual(transport.calls.map(({ tool }) => tool), ["stripe/refund", "knowledgebase/search", "own"]);
  assert.throws(() => governedTools({ refund: () => 1 }, { transport, names: { refnd: "x" } }), /no tool called `refnd`; the tools are `refund`/);
  assert.throws(() => governedTools([() => 1], { transport }), /without a name/);
  assert.throws(() => governedTools([search, search], { transport, names: {} }), /two tools/);
  for (const other of [{}, null, "text", { type: "provider", id: "openai.web_search", args: {} }]) {
    assert.throws(() => governedTools({ other }, { transport }), /cannot govern `other`/);
  }
});

test("the stub: the last script that matches decides, and an approval is used once", async () => {
  const transport = new StubTransport().permit("knowledgebase/*").deny("stripe/payouts", { reason: "never by an agent" });
  transport.defer("stripe/refund", { when: ({ amount }: { amount: number }) => amount >= 500 });
  const call = (name: string, amount = 0) => governed((_: { amount: number }) => "ran", { name, transport })({ amount });
  assert.equal(await call("knowledgebase/search"), "ran");
  await assert.rejects(call("stripe/payouts"), /never by an agent/);
  await assert.rejects(call("stripe/refund", 80), /not scripted/);
  await assert.rejects(call("stripe/refund", 500), ToolDeniedError);
  transport.approve(transport.pending[0] ?? "");
  assert.equal(await call("stripe/refund", 500), "ran");
  await assert.rejects(call("stripe/refund", 500), ToolDeniedError);
  transport.refuse(transport.pending[0] ?? "", "no");
  await assert.rejects(call("stripe/refund", 500), /no/);
});
