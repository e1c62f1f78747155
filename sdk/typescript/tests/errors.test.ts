/** The errors' texts, fields and types. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { about } from "../src/errors.js";
import { DaemonTimeout, DaemonUnreachable, governedTools, isToolDenied, type Resolution, StubTransport, ToolDeferredError, ToolDeniedError } from "../src/node.js";

/** Compiles only while every case of the union is told apart. */
function remedy(resolution: Resolution): string {
  switch (resolution.type) {
    case "rule_block":
      return resolution.ruleId;
    case "pending_approval":
      return resolution.approvalId;
    case "retry_after":
      return resolution.retryAfterSeconds.toFixed();
    case "budget_reset":
      return resolution.resetsAt;
    case "pending_approvals":
      return resolution.approvalIds.join();
    case "unmet":
      return resolution.requirements.join();
    case "operator":
      return "operator";
    case "other":
      return resolution.name;
    case "none":
      return "";
    default:
      return resolution satisfies never;
  }
}

test("the message has the reason, the place, and what would change it", () => {
  const denied = new ToolDeniedError({
    code: "POLICY_DENY",
    humanMessage: "never by an agent",
    ruleRef: "governance.fms:14",
    actionId: "dpr-1",
    next: "amount < 500",
    tool: "stripe/payouts",
  });
  const place = "[POLICY_DENY, governance.fms:14, dpr-1]";
  assert.equal(denied.message, `stripe/payouts denied: never by an agent (the verdict changes if amount < 500) ${place}`);
  assert.equal(String(denied), `ToolDeniedError: ${denied.message}`);
  assert.equal(new ToolDeniedError().message, "tool call denied");
  const resolution = { type: "pending_approval", approvalId: "apr-1" } as const;
  const deferred = new ToolDeferredError({ effect: "DEFER", tool: "refund", resolution });
  assert.equal(deferred.message, "refund deferred; waits for approval apr-1");
  assert.deepEqual([deferred.approvalId, deferred.deferToken, remedy(deferred.resolution)], ["apr-1", "apr-1", "apr-1"]);
});

test("an error is made again from its JSON, and keeps kind and cause when more is known", () => {
  const cause = new Error("ENOENT");
  const error = about(new DaemonTimeout({ code: "DAEMON_TIMEOUT", retryable: true }, { cause }), { tool: "refund", code: "OTHER" });
  assert.ok(error instanceof DaemonUnreachable && error.constructor === DaemonTimeout);
  assert.deepEqual([error.tool, error.code, error.retryable, error.cause], ["refund", "DAEMON_TIMEOUT", true, cause]);
  assert.deepEqual(new DaemonTimeout(JSON.parse(JSON.stringify(error))).toJSON(), error.toJSON());
  assert.ok(isToolDenied(error) && !isToolDenied(cause) && !isToolDenied(undefined) && !isToolDenied("denied"));
});

test("types of a set: functions give promises, generators and other tools stay what they are", async () => {
  const chat = { inputSchema: {}, execute: async (_: { text: string }) => 5 };
  const set = { add: (a: { n: number }) => a.n + 1, count: async function* (_: object) { yield 1; }, chat };
  const tools = governedTools(set, { transport: new StubTransport().permit() });
  const sum: Promise<number> = tools.add({ n: 1 });
  const counted: AsyncGenerator<number> = tools.count({});
  const same: typeof chat = tools.chat;
  assert.equal(await sum, 2);
  assert.deepEqual(await counted.next(), { value: 1, done: false });
  assert.equal(await same.execute({ text: "x" }), 5);
});
