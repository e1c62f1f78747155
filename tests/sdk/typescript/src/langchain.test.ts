/** LangChain.js tools, in LangGraph.js's prebuilt agent and in LangChain's `createAgent`. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage, ToolMessage } from "@langchain/core/messages";
import { StructuredTool, tool } from "@langchain/core/tools";
import { Command, interrupt, MemorySaver } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { governedTools, ToolDeniedError, WAIT } from "@faramesh/sdk";
import { createAgent } from "langchain";
import { z } from "zod";

import { startStack, WHO } from "./stack.js";
import { Bank, story } from "./story.js";

const schema = z.object({ amount: z.number() });
const user = { role: "user", content: "refund it" };
let calls = 0;

/** Asks for these refunds, one after the other. */
class Scripted extends BaseChatModel {
  readonly #left: number[];

  constructor(amounts: number[]) {
    super({});
    this.#left = [...amounts];
  }

  override _llmType(): string {
    return "scripted";
  }

  override bindTools(): this {
    return this;
  }

  override async _generate() {
    const amount = this.#left.shift();
    calls += 1;
    const call = { name: "refund", args: { amount }, id: `call-${calls}`, type: "tool_call" as const };
    const message = amount === undefined ? new AIMessage("done") : new AIMessage({ content: "", tool_calls: [call] });
    return { generations: [{ text: "", message }] };
  }
}

class Refund extends StructuredTool<typeof schema> {
  override name = "refund";
  override description = "Give money back.";
  override schema = schema;
  readonly #bank: Bank;

  constructor(bank: Bank) {
    super();
    this.#bank = bank;
  }

  protected override _call({ amount }: z.infer<typeof schema>): Promise<string> {
    return this.#bank.refund(amount);
  }
}

function made(bank: Bank) {
  return tool(({ amount }: { amount: number }) => bank.refund(amount), { name: "refund", description: "Give money back.", schema });
}

function read(messages: BaseMessage[]): string[] {
  assert.equal(messages.at(-1)?.content, "done");
  const results = messages.filter((message) => message instanceof ToolMessage);
  return results.map(({ content }) => String(content).replace(/^(Error|ToolDeniedError): /, ""));
}

const shared = { away: "read", kind: "RangeError", problem: /the bank is closed/ } as const;

story({
  ...shared,
  name: "LangGraph",
  play: async (bank, amounts, options) => {
    const agent = createReactAgent({ llm: new Scripted(amounts), tools: governedTools([new Refund(bank)], options) });
    return { read: read((await agent.invoke({ messages: [user] })).messages) };
  },
  tool: (bank, options) => {
    const [refund] = governedTools([new Refund(bank)] as const, options);
    return async (amount, id) => (await refund.invoke({ name: "refund", args: { amount }, id, type: "tool_call" })).content;
  },
});

story({
  ...shared,
  name: "LangChain",
  play: async (bank, amounts, options) => {
    const agent = createAgent({ model: new Scripted(amounts), tools: governedTools([made(bank)], options) });
    return { read: read((await agent.invoke({ messages: [user] })).messages) };
  },
  tool: (bank, options) => {
    const [refund] = governedTools([made(bank)] as const, options);
    return async (amount, id) => (await refund.invoke({ name: "refund", args: { amount }, id, type: "tool_call" })).content;
  },
});

test("LangChain: class, name, schema and the original stay", async (t) => {
  const { socket } = await startStack(t);
  const bank = new Bank();
  const original = new Refund(bank);
  const [refund] = governedTools([original], { ...WHO, socket });
  assert.ok(refund instanceof Refund && refund !== original);
  assert.equal(refund.schema, original.schema);
  assert.equal(await refund.invoke({ amount: 80 }), "refunded 80");
  await assert.rejects(refund.invoke({ amount: 20_000 }), ToolDeniedError);
  assert.equal(await original.invoke({ amount: 20_000 }), "refunded 20000");
  const [other] = governedTools([made(bank)], { ...WHO, socket });
  await assert.rejects(async () => other?.func({ amount: 20_000 }), ToolDeniedError);
});

test("LangChain: a tool of one text, and a tool that streams", async (t) => {
  const stack = await startStack(t);
  const options = { agentId: WHO.agentId, names: { search: "knowledgebase/search" }, socket: stack.socket };
  const search = tool(async (query: string) => `found ${query}`, { name: "search", description: "Search.", schema: z.string() });
  assert.equal(await governedTools([search], options)[0]?.invoke("order 1042"), "found order 1042");
  const streaming = tool(
    async function* ({ amount }: { amount: number }) {
      yield "working";
      return `found ${amount}`;
    },
    { name: "search", description: "Search.", schema },
  );
  assert.equal(await governedTools([streaming], options)[0]?.invoke({ amount: 1 }), "found 1");
  const args = (await stack.records("decision")).map(({ args }) => args);
  assert.deepEqual(args, [{ input: "order 1042" }, { amount: 1 }]);
  assert.equal((await stack.waitForRecords("outcome", 2)).length, 2);
});

test("LangGraph: a deferred call interrupts the graph, and the approved one runs when it is resumed", async (t) => {
  const stack = await startStack(t);
  const bank = new Bank();
  const tools = governedTools([new Refund(bank)], {
    ...WHO,
    socket: stack.socket,
    onDefer: ({ approvalId }) => {
      interrupt({ approvalId });
      return WAIT;
    },
  });
  const agent = createAgent({ model: new Scripted([8000]), tools, checkpointer: new MemorySaver() });
  const thread = { configurable: { thread_id: "1" } };
  const stopped = await agent.invoke({ messages: [user] }, thread);
  const [{ value }]: [{ value: { approvalId: string } }] = Reflect.get(stopped, "__interrupt__") as never;
  assert.deepEqual(bank.moved, []);
  await stack.approve(value.approvalId);
  const { messages } = await agent.invoke(new Command({ resume: true }), thread);
  assert.deepEqual(read(messages), ["refunded 8000"]);
  const decisions = await stack.records("decision");
  assert.deepEqual(decisions.map(({ session }) => session), ["1", "1"]);
  assert.equal(decisions[0]?.request_id, decisions[1]?.request_id);
});
