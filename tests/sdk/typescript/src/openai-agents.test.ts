/** OpenAI Agents. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Agent, type Model, type ModelRequest, RunContext, Runner, tool, ToolCallError, Usage } from "@openai/agents";
import { governedTools, type GovernedToolsOptions } from "@faramesh/sdk";
import { z } from "zod";

import { startStack, WHO } from "./stack.js";
import { Bank, story } from "./story.js";

let calls = 0;

/** Asks for these refunds, one after the other. */
class Scripted implements Model {
  readonly seen: ModelRequest["input"][] = [];
  readonly #left: number[];

  constructor(amounts: number[]) {
    this.#left = [...amounts];
  }

  async getResponse(request: ModelRequest) {
    this.seen.push(request.input);
    const amount = this.#left.shift();
    calls += 1;
    const text = { type: "output_text" as const, text: "done" };
    const output =
      amount === undefined
        ? { type: "message" as const, role: "assistant" as const, status: "completed" as const, content: [text] }
        : {
            type: "function_call" as const,
            callId: `call-${calls}`,
            name: "refund",
            arguments: JSON.stringify({ amount }),
            status: "completed" as const,
          };
    return { usage: new Usage(), output: [output] };
  }

  // eslint-disable-next-line require-yield -- this model does not stream
  async *getStreamedResponse(): AsyncGenerator<never> {
    throw new Error("this model does not stream");
  }
}

function refund(bank: Bank) {
  return tool({
    name: "refund",
    description: "Give money back.",
    parameters: z.object({ amount: z.number() }),
    execute: ({ amount }) => bank.refund(amount),
  });
}

async function run(bank: Bank, amounts: number[], options: GovernedToolsOptions, context?: object) {
  const model = new Scripted(amounts);
  const agent = new Agent({ name: "support", instructions: "Help.", model, tools: governedTools([refund(bank)], options) });
  try {
    const { finalOutput } = await new Runner({ tracingDisabled: true }).run(agent, "refund it", { context });
    assert.equal(finalOutput, "done");
  } catch (thrown) {
    return { read: [], thrown };
  }
  const items = model.seen.at(-1);
  assert.ok(Array.isArray(items));
  const results = items.filter((item) => item.type === "function_call_result");
  return { read: results.map(({ output }) => String(Reflect.get(Object(output), "text"))) };
}

story({
  name: "OpenAI Agents",
  away: "thrown",
  kind: "Error",
  problem: /An error occurred while running the tool/,
  play: (bank, amounts, options) => run(bank, amounts, options),
  tool: (bank, options) => {
    const [governed] = governedTools([refund(bank)] as const, options);
    return (amount, id) => {
      const toolCall = { type: "function_call" as const, callId: id, name: "refund", arguments: "" };
      return governed.invoke(new RunContext(), JSON.stringify({ amount }), { toolCall });
    };
  },
});

test("OpenAI Agents: what no policy said ends the run, with the reason inside", async (t) => {
  const stack = await startStack(t);
  await stack.stop();
  const { thrown } = await run(new Bank(), [80], { ...WHO, socket: stack.socket });
  assert.ok(thrown instanceof ToolCallError);
  assert.equal(Reflect.get(thrown.error, "code"), "DAEMON_UNREACHABLE");
  await stack.start();
  const denied = await run(new Bank(), [20_000], { ...WHO, socket: stack.socket, onDeny: "throw" });
  assert.ok(denied.thrown instanceof ToolCallError);
  assert.equal(Reflect.get(denied.thrown.error, "code"), "POLICY_DENY");
});

test("OpenAI Agents: arguments that are no JSON do not run", async (t) => {
  const { socket } = await startStack(t);
  const [governed] = governedTools([refund(new Bank())] as const, { ...WHO, socket });
  assert.match(String(await governed.invoke(new RunContext(), '{"amount": 80')), /not JSON/);
});

test("OpenAI Agents: the run's context says who it is for", async (t) => {
  const stack = await startStack(t);
  await run(new Bank(), [80], { ...WHO, socket: stack.socket }, { faramesh: { sessionId: "s-1", requestId: "r-9" } });
  const [decision] = await stack.records("decision");
  assert.deepEqual([decision?.session, decision?.request_id], ["s-1", "r-9"]);
});
