/** Mastra, whose tools are called in one way since version 1 and in another before. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Agent } from "@mastra/core/agent";
import { noopLogger } from "@mastra/core/logger";
import { createTool } from "@mastra/core/tools";
import { governedTools, type GovernedToolsOptions } from "@faramesh/sdk";
import { z } from "zod";

import { scripted, toolResults } from "./models.js";
import { startStack, WHO } from "./stack.js";
import { type Bank, story } from "./story.js";

const current = process.env["FARAMESH_CURRENT"] !== undefined;

function tools(bank: Bank, options: GovernedToolsOptions) {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the parameter's type is that of one version
  const execute = (input: any) => bank.refund(current ? input.amount : input.context.amount);
  const inputSchema = z.object({ amount: z.number() });
  const refund = createTool({ id: "refund", description: "Give money back.", inputSchema, execute });
  return governedTools({ refund }, options);
}

story({
  name: "Mastra",
  away: "read",
  kind: "RangeError",
  problem: /the bank is closed/,
  play: async (bank, amounts, options) => {
    const { model, prompts } = scripted("v2", amounts.map((amount) => ({ amount })));
    const settings = { id: "support", name: "support", instructions: "Help.", model, tools: tools(bank, options) };
    const agent = new Agent(settings as ConstructorParameters<typeof Agent>[0]);
    agent.__setLogger(noopLogger as never);
    const { text } = await agent.generate("refund it");
    assert.equal(text, "done");
    return { read: toolResults(prompts) };
  },
  tool: (bank, options) => {
    const { execute } = tools(bank, options).refund;
    const call = execute as unknown as (first: object, second: object) => Promise<unknown>;
    return (amount, id) =>
      current ? call({ amount }, { agent: { toolCallId: id } }) : call({ context: { amount } }, { toolCallId: id });
  },
});

test("Mastra: the request context says who it is for", { skip: !current && "version 1 has one" }, async (t) => {
  const stack = await startStack(t);
  const { model } = scripted("v2", [{ amount: 80 }]);
  const bank = { refund: async () => "refunded" } as unknown as Bank;
  const settings = { id: "support", name: "support", instructions: "Help.", model, tools: tools(bank, { ...WHO, socket: stack.socket }) };
  const agent = new Agent(settings as ConstructorParameters<typeof Agent>[0]);
  const name = "@mastra/core/request-context";
  const { RequestContext } = await import(name);
  const requestContext = new RequestContext([["faramesh", { sessionId: "s-1" }]]);
  await agent.generate("refund it", { requestContext } as never);
  assert.equal((await stack.records("decision"))[0]?.session, "s-1");
});
