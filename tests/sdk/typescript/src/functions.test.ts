/** Plain functions against a real daemon. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import {
  DaemonTimeout,
  DaemonUnreachable,
  governed,
  governedTools,
  type GovernedToolsOptions,
  ToolDeferredError,
  ToolDeniedError,
} from "@faramesh/sdk";

import { BUDGET, OVER_BUDGET, type Stack, startStack, WHO } from "./stack.js";

const NAMES = { search: "knowledgebase/search", refund: "stripe/refund", payout: "stripe/payouts" };

function bank(stack: Stack, options: GovernedToolsOptions = {}) {
  const moved: number[] = [];
  const tools = governedTools(
    {
      search: async ({ query }: { query: string }) => `found ${query}`,
      refund: ({ amount }: { amount: number; card?: { number: string } }) => {
        moved.push(amount);
        return `refunded ${amount}`;
      },
      payout: ({ amount }: { amount: number }) => {
        moved.push(amount);
        return `paid ${amount}`;
      },
    },
    { agentId: "support-bot", names: NAMES, socket: stack.socket, ...options },
  );
  return { ...tools, moved };
}

async function refusal(work: Promise<unknown>): Promise<ToolDeniedError> {
  const problem = await work.then(
    (value) => assert.fail(`it ran: ${String(value)}`),
    (error: unknown) => error,
  );
  assert.ok(problem instanceof ToolDeniedError, String(problem));
  return problem;
}

test("a permitted call runs", async (t) => {
  const { refund, search, moved } = bank(await startStack(t));
  assert.equal(await refund({ amount: 80 }), "refunded 80");
  assert.equal(await search({ query: "order 1042" }), "found order 1042");
  assert.deepEqual(moved, [80]);
});

test("a call that the budget does not cover is denied with its code", async (t) => {
  const stack = await startStack(t, BUDGET);
  const { refund, moved } = bank(stack);
  assert.equal(await refund({ amount: 80 }), "refunded 80");
  const denial = await refusal(refund({ amount: 81 }));
  assert.equal(denial.code, "BUDGET_EXCEEDED");
  assert.deepEqual(moved, [80]);
  assert.deepEqual((await stack.records("decision")).map(({ effect, code }) => [effect, code]), OVER_BUDGET);
});

test("a denied call says why, and where the rule is", async (t) => {
  const stack = await startStack(t);
  const { payout, moved } = bank(stack);
  const denial = await refusal(payout({ amount: 10 }));
  assert.deepEqual([denial.effect, denial.code, denial.retryable], ["DENY", "POLICY_DENY", false]);
  assert.match(denial.humanMessage, /payouts are made by finance, never by an agent/);
  assert.match(denial.policyVersion, /^sha256:/);
  assert.ok(denial.actionId && denial.callId);
  assert.equal(denial.resolution.type, "rule_block");
  if (denial.resolution.type === "rule_block") assert.equal(denial.resolution.ruleId, denial.ruleId);
  const line = Number(denial.ruleRef.split(":")[1]);
  const policy = readFileSync(`${stack.folder}/governance.fms`, "utf8").split("\n");
  assert.match(policy[line - 1] ?? "", /deny {3}stripe\/payouts/);
  assert.deepEqual(moved, []);
});

test("what no rule mentions is denied, and so is an unknown agent", async (t) => {
  const { socket } = await startStack(t);
  const shell = (_: { command: string }) => assert.fail("it ran");
  await refusal(governed(shell, { name: "files/read", agentId: "support-bot", socket })({ command: "ls" }));
  const never = await refusal(governed(shell, { name: "shell/run", agentId: "support-bot", socket })({ command: "ls" }));
  assert.match(never.message, /no shell, ever/);
  const nobody = await refusal(governed(shell, { agentId: "nobody", socket })({ command: "ls" }));
  assert.match(nobody.code, /^(AGENT_UNKNOWN|IDENTITY_UNVERIFIED)$/);
});

test("deferred, approved, permitted once, deferred again", async (t) => {
  const stack = await startStack(t);
  const { refund, moved } = bank(stack);
  const deferred = await refusal(refund({ amount: 8000 }));
  assert.ok(deferred instanceof ToolDeferredError);
  assert.deepEqual([deferred.effect, deferred.code, deferred.resolution.type], ["DEFER", "POLICY_DEFER", "pending_approval"]);
  assert.equal(deferred.next, "amount < 500");
  const [waiting] = await stack.pending();
  assert.deepEqual([waiting?.id, waiting?.tool], [deferred.approvalId, "stripe/refund"]);
  await stack.approve(deferred.approvalId);
  const other = await refusal(refund({ amount: 8001 }));
  assert.notEqual(other.approvalId, deferred.approvalId);
  assert.deepEqual(moved, []);
  assert.equal(await refund({ amount: 8000 }), "refunded 8000");
  const again = await refusal(refund({ amount: 8000 }));
  assert.notEqual(again.approvalId, deferred.approvalId);
  assert.deepEqual(moved, [8000]);
  await stack.command("audit", "verify");
});

test("an operator's denial reaches the agent", async (t) => {
  const stack = await startStack(t);
  const { refund, moved } = bank(stack);
  await stack.deny((await refusal(refund({ amount: 8000 }))).approvalId, "the customer was paid last week");
  const denial = await refusal(refund({ amount: 8000 }));
  assert.equal(denial.effect, "DENY");
  assert.match(denial.humanMessage, /the customer was paid last week/);
  assert.deepEqual(moved, []);
});

test("block waits for the person, and two records tell of one request", async (t) => {
  const stack = await startStack(t);
  const { refund, moved } = bank(stack, { onDefer: "block", approvalTimeoutMs: 30_000 });
  const work = refund({ amount: 8000 });
  const approval = await stack.waitForPending();
  await sleep(300);
  assert.deepEqual(moved, []);
  const answered = Date.now();
  await stack.approve(approval);
  assert.equal(await work, "refunded 8000");
  assert.ok(Date.now() - answered < 5000, "the long poll ends when the person answers");
  const [first, second] = await stack.records("decision");
  assert.notEqual(second?.call_id, first?.call_id);
  assert.equal(second?.request_id, first?.call_id);
});

test("block ends with the person's denial, and in time", async (t) => {
  const stack = await startStack(t);
  const { refund, moved } = bank(stack, { onDefer: "block", approvalTimeoutMs: 30_000 });
  const work = refusal(refund({ amount: 8000 }));
  await stack.deny(await stack.waitForPending(), "wrong customer");
  const denial = await work;
  assert.deepEqual([denial.effect, denial.code], ["DENY", "APPROVAL_DENIED"]);
  assert.match(denial.message, /wrong customer/);
  const started = Date.now();
  const hurried = bank(stack, { onDefer: "block", approvalTimeoutMs: 1000 });
  const unanswered = await refusal(hurried.refund({ amount: 8001 }));
  assert.ok(unanswered instanceof ToolDeferredError);
  assert.match(unanswered.message, /no answer within 1 seconds/);
  assert.ok(Date.now() - started < 4000);
  assert.deepEqual(moved, []);
});

test("two hundred calls race for one approval", async (t) => {
  const stack = await startStack(t);
  const { refund, moved } = bank(stack, { timeoutMs: 30_000 });
  await stack.approve((await refusal(refund({ amount: 8000 }))).approvalId);
  const results = await Promise.allSettled(Array.from({ length: 200 }, () => refund({ amount: 8000 })));
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  assert.deepEqual(moved, [8000]);
});

test("the approver does not see redacted arguments", async (t) => {
  const stack = await startStack(t);
  await refusal(bank(stack).refund({ amount: 8000, card: { number: "4242424242424242" } }));
  const [waiting] = await stack.pending();
  assert.equal(waiting?.args["amount"], 8000);
  assert.doesNotMatch(JSON.stringify(waiting), /4242424242424242/);
});

test("an exception of the tool comes out unchanged, and its kind is recorded", async (t) => {
  const stack = await startStack(t);
  const problem = new RangeError("the bank is closed");
  const options = { name: "stripe/refund", agentId: "support-bot", socket: stack.socket };
  const refund = governed((_: { amount: number }) => Promise.reject(problem), options);
  await assert.rejects(refund({ amount: 80 }), (error) => error === problem);
  const [outcome] = await stack.waitForRecords("outcome", 1);
  const [decision] = await stack.records("decision");
  assert.deepEqual([outcome?.detail?.status, outcome?.detail?.error], ["error", "RangeError"]);
  assert.equal(outcome?.parent, decision?.id);
  assert.doesNotMatch(JSON.stringify(outcome), /closed/);
  await governed((_: { amount: number }) => sleep(20), options)({ amount: 81 });
  const late = governed(async (_: { amount: number }) => {
    const signal = AbortSignal.timeout(1);
    await sleep(20);
    signal.throwIfAborted();
  }, options);
  await assert.rejects(late({ amount: 82 }), { name: "TimeoutError" });
  const outcomes = await stack.waitForRecords("outcome", 3);
  assert.deepEqual(outcomes.map(({ detail }) => detail?.status).sort(), ["error", "ok", "timeout"]);
});

test("the outcome is recorded even if the agent ends at once", async (t) => {
  const stack = await startStack(t);
  const script = `
    import { governed } from "@faramesh/sdk";
    const search = governed(({ query }) => { throw new TypeError(query); }, { name: "knowledgebase/search", agentId: "support-bot" });
    await search({ query: "order 1042" });`;
  const env = { ...stack.environment(), FARAMESH_SOCKET: stack.socket };
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", script], { env, encoding: "utf8", cwd: import.meta.dirname });
  assert.match(done.stderr, /TypeError: order 1042/);
  const [outcome] = await stack.waitForRecords("outcome", 1);
  assert.deepEqual([outcome?.detail?.status, outcome?.detail?.error], ["error", "TypeError"]);
});

test("an async generator stays one, and its end is the outcome", async (t) => {
  const stack = await startStack(t);
  const count = governed(
    async function* count({ amount }: { amount: number }) {
      for (let at = 0; at < amount; at += 1) yield at;
      if (amount === 3) throw new SyntaxError("three");
      return "done";
    },
    { name: "stripe/refund", agentId: "support-bot", socket: stack.socket },
  );
  const seen: number[] = [];
  const two: AsyncGenerator<number, string | undefined> = count({ amount: 2 });
  for await (const item of two) seen.push(item);
  assert.deepEqual(seen, [0, 1]);
  for await (const item of count({ amount: 400 })) if (item === 1) break;
  await assert.rejects(async () => {
    for await (const item of count({ amount: 3 })) seen.push(item);
  }, SyntaxError);
  await refusal(count({ amount: 20_000 }).next());
  const outcomes = await stack.waitForRecords("outcome", 3);
  assert.deepEqual(outcomes.map(({ detail }) => detail?.error ?? detail?.status), ["ok", "ok", "SyntaxError"]);
});

test("the daemon away, back, killed in mid-call, and hanging", async (t) => {
  const stack = await startStack(t);
  const { refund, moved } = bank(stack, { timeoutMs: 20_000 });
  assert.equal(await refund({ amount: 1 }), "refunded 1");
  await stack.stop();
  const away = await refusal(refund({ amount: 2 }));
  assert.ok(away instanceof DaemonUnreachable && !(away instanceof DaemonTimeout));
  assert.equal(away.code, "DAEMON_UNREACHABLE");
  assert.ok(away.message.includes(stack.socket));
  await stack.start();
  assert.equal(await refund({ amount: 3 }), "refunded 3");
  stack.freeze();
  const hurried = bank(stack, { timeoutMs: 300 });
  assert.ok((await refusal(hurried.refund({ amount: 4 }))) instanceof DaemonTimeout);
  const work = refusal(refund({ amount: 5 }));
  await sleep(200);
  await stack.kill();
  assert.equal((await work).code, "DAEMON_UNREACHABLE");
  assert.deepEqual([...moved, ...hurried.moved], [1, 3]);
});

test("onDeny does not see a daemon that is away", async (t) => {
  const stack = await startStack(t);
  const { payout, refund } = bank(stack, { onDeny: () => "never mind", onDefer: "return" });
  assert.equal(await payout({ amount: 1 }), "never mind");
  assert.match(await refund({ amount: 8000 }), /need a person/);
  await stack.stop();
  assert.ok((await refusal(payout({ amount: 1 }))) instanceof DaemonUnreachable);
});

test("the socket is found by FARAMESH_SOCKET, and by agent.env above the folder", async (t) => {
  const stack = await startStack(t);
  const script = `
    import { governed } from "@faramesh/sdk";
    console.log(await governed(({ query }) => query, { name: "knowledgebase/search" })({ query: "found it" }));`;
  const place = `${import.meta.dirname}/find.mjs`;
  const { writeFileSync, mkdirSync } = await import("node:fs");
  writeFileSync(place, script);
  const named = spawnSync(process.execPath, [place], {
    env: { ...stack.environment(), FARAMESH_SOCKET: stack.socket, FARAMESH_AGENT_ID: WHO.agentId },
    encoding: "utf8",
  });
  assert.equal(named.stdout.trim(), "found it", named.stderr);
  mkdirSync(`${stack.folder}/deep/er`, { recursive: true });
  const above = spawnSync(process.execPath, [place], {
    env: { ...stack.environment(), FARAMESH_AGENT_ID: WHO.agentId },
    encoding: "utf8",
    cwd: `${stack.folder}/deep/er`,
  });
  assert.equal(above.stdout.trim(), "found it", above.stderr);
});
