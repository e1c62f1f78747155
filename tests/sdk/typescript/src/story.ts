/**
 * What every framework has to show: permit, deny, defer → approve → permit, a budget that is spent, the daemon away,
 * a tool that throws, and one decision for one call of the framework.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { DaemonUnreachable, isToolDenied, ToolDeferredError, type GovernedToolsOptions } from "@faramesh/sdk";

import { BUDGET, OVER_BUDGET, type Stack, startStack, WHO } from "./stack.js";

/** The tool of every story: it remembers what it did, and fails when it is told to. */
export class Bank {
  readonly moved: number[] = [];
  problem: Error | undefined;

  async refund(amount: number): Promise<string> {
    await sleep(5);
    if (this.problem) throw this.problem;
    this.moved.push(amount);
    return `refunded ${amount}`;
  }
}

/** What the model read as the results of the tool, and what came out of the run instead of an end. */
export interface Seen {
  readonly read: string[];
  readonly thrown?: unknown;
}

export interface Framework {
  readonly name: string;
  /** Runs an agent whose model asks for one refund after the other. */
  readonly play: (bank: Bank, amounts: number[], options: GovernedToolsOptions) => Promise<Seen>;
  /** The governed tool, called as the framework does, with an id of the call. */
  readonly tool: (bank: Bank, options: GovernedToolsOptions) => (amount: number, id: string) => Promise<unknown>;
  /** Where a daemon that is away shows. */
  readonly away: "read" | "thrown";
  /** The kind of a tool's error, as far as the framework lets it out of the tool. */
  readonly kind: "RangeError" | "Error";
  /** What the model reads of a tool that throws. */
  readonly problem: RegExp;
}

export function story(framework: Framework): void {
  const { name, play } = framework;
  const at = (stack: Stack, options: GovernedToolsOptions = {}) => ({ ...WHO, socket: stack.socket, ...options });

  test(`${name}: permit, and the model reads the results`, async (t) => {
    const stack = await startStack(t);
    const bank = new Bank();
    const { read, thrown } = await play(bank, [80, 81], at(stack));
    assert.equal(thrown, undefined);
    assert.deepEqual(read, ["refunded 80", "refunded 81"]);
    assert.deepEqual(bank.moved, [80, 81]);
    const outcomes = await stack.waitForRecords("outcome", 2);
    assert.deepEqual(outcomes.map(({ detail }) => detail?.status), ["ok", "ok"]);
    assert.deepEqual((await stack.records("decision")).map(({ args }) => args), [{ amount: 80 }, { amount: 81 }]);
  });

  test(`${name}: deny, in each way`, async (t) => {
    const stack = await startStack(t);
    const bank = new Bank();
    const told = await play(bank, [20_000], at(stack));
    assert.match(told.read[0] ?? "", /go through finance/);
    const returned = await play(bank, [20_000], at(stack, { onDeny: "return" }));
    assert.match(returned.read[0] ?? "", /^stripe\/refund denied: .*go through finance/);
    const answered = await play(bank, [20_000], at(stack, { onDeny: ({ next }) => `ask for less: ${next}` }));
    assert.deepEqual(answered.read, ["ask for less: amount < 10000"]);
    assert.deepEqual(bank.moved, []);
    await assert.rejects(framework.tool(bank, at(stack, { onDeny: "throw" }))(20_000, "call-1"), isToolDenied);
  });

  test(`${name}: a second call that the budget does not cover is denied as any other`, async (t) => {
    const stack = await startStack(t, BUDGET);
    const bank = new Bank();
    const { read, thrown } = await play(bank, [80, 81], at(stack));
    assert.equal(thrown, undefined);
    assert.equal(read[0], "refunded 80");
    assert.match(read[1] ?? "", /^(ToolDeniedError: )?stripe\/refund denied: .*BUDGET_EXCEEDED/);
    assert.deepEqual(bank.moved, [80]);
    assert.deepEqual((await stack.records("decision")).map(({ effect, code }) => [effect, code]), OVER_BUDGET);
    await assert.rejects(
      framework.tool(bank, at(stack, { onDeny: "throw" }))(81, "call-1"),
      (error) => isToolDenied(error) && error.code === "BUDGET_EXCEEDED",
    );
  });

  test(`${name}: defer → approve → permit → defer`, async (t) => {
    const stack = await startStack(t);
    const bank = new Bank();
    const first = await play(bank, [8000], at(stack));
    assert.match(first.read[0] ?? "", /need a person/);
    assert.deepEqual(bank.moved, []);
    const [waiting] = await stack.pending();
    assert.match(first.read[0] ?? "", new RegExp(waiting?.id ?? "nothing waits"));
    await stack.approve(waiting?.id ?? "");
    const second = await play(bank, [8000, 8000], at(stack));
    assert.equal(second.read[0], "refunded 8000");
    assert.match(second.read[1] ?? "", /need a person/);
    assert.deepEqual(bank.moved, [8000]);
    await stack.command("audit", "verify");
  });

  test(`${name}: defer, and block until the person answers`, async (t) => {
    const stack = await startStack(t);
    const bank = new Bank();
    const work = play(bank, [8000], at(stack, { onDefer: "block", approvalTimeoutMs: 30_000 }));
    await stack.approve(await stack.waitForPending());
    assert.deepEqual((await work).read, ["refunded 8000"]);
  });

  test(`${name}: the daemon away`, async (t) => {
    const stack = await startStack(t);
    await stack.stop();
    const bank = new Bank();
    const { read, thrown } = await play(bank, [80], at(stack, { onDeny: () => "never mind" }));
    assert.deepEqual(bank.moved, []);
    if (framework.away === "read") {
      assert.match(read[0] ?? "", /cannot reach the Faramesh daemon/);
      assert.equal(thrown, undefined);
    } else {
      assert.deepEqual(read, []);
      assert.match(String(thrown), /cannot reach the Faramesh daemon/);
    }
    await assert.rejects(framework.tool(bank, at(stack))(80, "call-1"), (error) => error instanceof DaemonUnreachable);
  });

  test(`${name}: a tool that throws`, async (t) => {
    const stack = await startStack(t);
    const bank = new Bank();
    bank.problem = new RangeError("the bank is closed");
    const { read } = await play(bank, [80], at(stack));
    assert.match(read[0] ?? "", framework.problem);
    const [outcome] = await stack.waitForRecords("outcome", 1);
    assert.deepEqual([outcome?.detail?.status, outcome?.detail?.error], ["error", framework.kind]);
  });

  test(`${name}: one call of the framework is decided once`, async (t) => {
    const stack = await startStack(t);
    const bank = new Bank();
    const tool = framework.tool(bank, at(stack, { onDeny: "throw", onDefer: "throw" }));
    const decisions = async () => (await stack.records("decision")).length;

    for (let tries = 0; tries < 3; tries += 1) await assert.rejects(tool(20_000, "denied"), isToolDenied);
    assert.equal(await decisions(), 1);

    const both = await Promise.all([tool(80, "twice"), tool(80, "twice")]);
    assert.deepEqual(both[0], both[1]);
    assert.deepEqual(bank.moved, [80]);
    assert.equal(await decisions(), 2);

    await assert.rejects(tool(8000, "deferred"), ToolDeferredError);
    await assert.rejects(tool(8000, "deferred"), ToolDeferredError);
    assert.equal(await decisions(), 3);
    await stack.approve(await stack.waitForPending());
    await tool(8000, "deferred");
    assert.deepEqual(bank.moved, [80, 8000]);
    assert.equal(await decisions(), 4);

    // A permit lets one call run once: a second try of a failed run is another call.
    bank.problem = new RangeError("the bank is closed");
    await Promise.allSettled([tool(82, "failing")]);
    await Promise.allSettled([tool(82, "failing")]);
    bank.problem = undefined;
    assert.equal(await decisions(), 6);
    assert.ok((await stack.records("decision")).every(({ request_id }) => /^(denied|twice|deferred|failing)$/.test(request_id ?? "")));

    // The same arguments under another id are another call, and so is an id with other arguments.
    await assert.rejects(tool(20_000, "other"), isToolDenied);
    await tool(81, "twice");
    assert.equal(await decisions(), 8);
  });
}
