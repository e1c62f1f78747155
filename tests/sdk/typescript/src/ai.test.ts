/** The Vercel AI SDK. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { generateText, stepCountIs, streamText, tool } from "ai";
import { governedTools, type GovernedToolsOptions } from "@faramesh/sdk";
import { z } from "zod";

import { scripted, toolResults } from "./models.js";
import { startStack, WHO } from "./stack.js";
import { type Bank, story } from "./story.js";

const inputSchema = z.object({ amount: z.number() });

function tools(bank: Bank, options: GovernedToolsOptions) {
  const refund = tool({ description: "Give money back.", inputSchema, execute: ({ amount }) => bank.refund(amount) });
  return governedTools({ refund }, options);
}

story({
  name: "AI SDK",
  away: "read",
  kind: "RangeError",
  problem: /the bank is closed/,
  play: async (bank, amounts, options) => {
    const { model, prompts } = scripted("v3", amounts.map((amount) => ({ amount })));
    const { text } = await generateText({
      model,
      tools: tools(bank, options),
      prompt: "refund it",
      stopWhen: stepCountIs(amounts.length + 1),
    });
    assert.equal(text, "done");
    return { read: toolResults(prompts).map((read) => read.replace(/^ToolDeniedError: /, "")) };
  },
  tool: (bank, options) => {
    const execute = tools(bank, options).refund.execute as (input: object, call: object) => Promise<unknown>;
    return (amount, id) => execute({ amount }, { toolCallId: id, messages: [] });
  },
});

test("AI SDK: a refusal is the tool's error in the stream, with all its fields", async (t) => {
  const { socket } = await startStack(t);
  const { model } = scripted("v3", [{ amount: 20_000 }]);
  const bank = { refund: () => assert.fail("it ran") } as unknown as Bank;
  const options = { ...WHO, socket };
  const run = streamText({ model, tools: tools(bank, options), prompt: "refund it", stopWhen: stepCountIs(2) });
  const errors = [];
  for await (const part of run.fullStream) if (part.type === "tool-error") errors.push(part.error);
  assert.equal(errors.length, 1);
  assert.equal(Reflect.get(Object(errors[0]), "code"), "POLICY_DENY");
});

test("AI SDK: a tool that streams still streams", async (t) => {
  const stack = await startStack(t);
  const streaming = (amounts: number[]) => {
    async function* steps(amount: number) {
      yield "working";
      if (amount === 13) throw new RangeError("the bank is closed");
      yield `refunded ${amount}`;
    }
    const written = tool({
      inputSchema,
      execute: async function* ({ amount }) {
        yield* steps(amount);
      },
    });
    const passedOn = tool({ inputSchema, execute: ({ amount }) => steps(amount) });
    const options = { ...WHO, socket: stack.socket, streaming: ["refund"] };
    const { streaming: _, ...plain } = options;
    return [governedTools({ refund: written }, plain), governedTools({ refund: passedOn }, options)].map((tools) => {
      const { model } = scripted("v3", amounts.map((amount) => ({ amount })));
      return streamText({ model, tools, prompt: "refund it", stopWhen: stepCountIs(amounts.length + 1) }).fullStream;
    });
  };
  for (const stream of streaming([80, 20_000, 13])) {
    const seen: unknown[] = [];
    for await (const part of stream) {
      if (part.type === "tool-result") seen.push([part.preliminary ?? false, part.output]);
      if (part.type === "tool-error") seen.push(String(part.error).split(":")[0]);
    }
    assert.deepEqual(seen, [
      [true, "working"],
      [true, "refunded 80"],
      [false, "refunded 80"],
      "ToolDeniedError",
      [true, "working"],
      "RangeError",
    ]);
  }
  const outcomes = await stack.waitForRecords("outcome", 4);
  assert.deepEqual(outcomes.map(({ detail }) => detail?.status).sort(), ["error", "error", "ok", "ok"]);
});

test("AI SDK: what does not run here cannot be governed, and what is governed is not asked twice", async (t) => {
  const stack = await startStack(t);
  const clientSide = tool({ inputSchema });
  assert.throws(() => governedTools({ clientSide }, { socket: stack.socket }), /`clientSide`.*leave it out/s);
  const refund = tool({ inputSchema, execute: async ({ amount }) => amount });
  const once = governedTools({ refund }, { ...WHO, socket: stack.socket });
  const twice = governedTools({ ...once }, { ...WHO, socket: stack.socket });
  const spread = governedTools({ refund: { ...twice.refund } }, { ...WHO, socket: stack.socket });
  await (spread.refund.execute as (input: object, call: object) => unknown)({ amount: 1 }, { toolCallId: "1" });
  assert.equal((await stack.records("decision")).length, 1);
});

test("AI SDK: the run's context says who it is for", { skip: process.env["FARAMESH_CURRENT"] !== undefined && "version 7 gives tools a context of their own" }, async (t) => {
  const stack = await startStack(t);
  const { model } = scripted("v3", [{ amount: 80 }]);
  const bank = { refund: async () => "refunded" } as unknown as Bank;
  const experimental_context = { faramesh: { sessionId: "s-1" } };
  const set = tools(bank, { ...WHO, socket: stack.socket });
  await generateText({ model, tools: set, prompt: "refund it", stopWhen: stepCountIs(2), experimental_context });
  assert.equal((await stack.records("decision"))[0]?.session, "s-1");
});
