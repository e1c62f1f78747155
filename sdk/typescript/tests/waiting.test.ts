/** Waiting for a person while the daemon comes and goes, and what `onDefer` and `onDeny` may say. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { pace } from "../src/asking.js";
import {
  DaemonProtocolError,
  DaemonUnreachable,
  type Fields,
  governed,
  type GovernedOptions,
  governedTools,
  StubTransport,
  ToolDeferredError,
  ToolDeniedError,
  type Transport,
  WAIT,
} from "../src/node.js";

const usual = { ...pace };
beforeEach(() => {
  Object.assign(pace, usual, { shortestPollMs: 1, pauseMs: 1 });
});

/** Out of reach for the first polls, as while a daemon restarts. */
class Restarting extends StubTransport {
  readonly polls: Fields[] = [];

  constructor(readonly outages: number) {
    super();
  }

  override async request(method: string, params: Fields): Promise<Fields> {
    if (method === "poll_defer") {
      this.polls.push(params);
      if (this.polls.length <= this.outages) throw new DaemonUnreachable({ code: "DAEMON_UNREACHABLE" });
      this.approve(String(params["defer_token"]));
    }
    return super.request(method, params);
  }
}

const tool = (transport: Transport, options: GovernedOptions = {}) =>
  governed(() => "ran", { name: "tool", transport, ...options });

test("a restart of the daemon does not end the wait", async () => {
  const stub = new Restarting(3).defer();
  assert.equal(await tool(stub, { onDefer: "block" })(), "ran");
  assert.equal(stub.polls.length, 4);
  assert.equal(stub.polls.at(-1)?.["wait_ms"], 20_000);
});

test("a daemon that stays away ends it", async () => {
  pace.outageMs = 20;
  await assert.rejects(tool(new Restarting(10_000).defer(), { onDefer: "block" })(), DaemonUnreachable);
});

test("approvals that never help are not waited for for ever", async () => {
  let asked = 0;
  const transport: Transport = {
    request: async (method) => {
      if (method === "poll_defer") return { status: "approved" };
      asked += 1;
      return { effect: "DEFER", action_id: `dpr-${asked}`, defer_token: "apr-1" };
    },
    tell: () => assert.fail("it ran"),
    close: () => undefined,
  };
  await assert.rejects(tool(transport, { onDefer: "block" })(), ToolDeniedError);
  assert.equal(asked, 8);
});

for (const status of ["expired", "unknown", "strange"]) {
  test(`an approval that became ${status}`, async () => {
    const stub = new StubTransport().defer();
    const request = stub.request.bind(stub);
    stub.request = async (method, params) => (method === "poll_defer" ? { status } : request(method, params));
    await assert.rejects(tool(stub, { onDefer: "block" })(), (error) => {
      assert.ok(error instanceof ToolDeniedError && !(error instanceof ToolDeferredError));
      assert.equal(error.code, status === "expired" ? "APPROVAL_EXPIRED" : "APPROVAL_UNKNOWN");
      assert.ok(error.retryable);
      return true;
    });
  });
}

test("onDefer: WAIT waits, undefined throws, anything else is the result", async () => {
  const stub = new Restarting(0).defer();
  const ids: string[] = [];
  const asking = (answer: unknown) => tool(stub, { onDefer: (deferred) => (ids.push(deferred.approvalId), answer) });
  assert.equal(await asking(WAIT)(), "ran");
  await assert.rejects(asking(undefined)(), ToolDeferredError);
  assert.equal(await asking(null)(), null);
  assert.equal(await asking(Promise.resolve("later"))(), "later");
  assert.match(String(await tool(stub, { onDefer: "return" })()), /waits for approval apr-stub/);
  assert.ok(ids.every((id) => id.startsWith("apr-stub")));
});

test("onDeny: a denial by policy only", async () => {
  const stub = new StubTransport().deny("*", { reason: "never", fields: { next: "amount < 5" } });
  assert.equal(await tool(stub, { onDeny: ({ next }) => next })(), "amount < 5");
  assert.match(String(await tool(stub, { onDeny: "return" })()), /^tool denied: never/);
  await assert.rejects(tool(stub, { onDeny: () => undefined })(), /never/);
  const problem = new Error("the handler failed");
  await assert.rejects(tool(stub, { onDeny: () => Promise.reject(problem) })(), (error) => error === problem);
  stub.reachable = false;
  await assert.rejects(tool(stub, { onDeny: "return" })(), DaemonUnreachable);
  stub.reachable = true;
  stub.request = async () => ({ effect: "MAYBE" });
  await assert.rejects(tool(stub, { onDeny: "return" })(), DaemonProtocolError);
});

test("a signal ends the wait with its own reason", async () => {
  const stub = new StubTransport().defer();
  const leaving = new AbortController();
  const reason = new Error("the user left");
  const { chat } = governedTools(
    { chat: { inputSchema: {}, execute: async (_: object, _call: object) => "ran" } },
    { transport: stub, onDefer: "block" },
  );
  const work = chat.execute({}, { toolCallId: "1", abortSignal: leaving.signal });
  setTimeout(() => leaving.abort(reason), 20);
  await assert.rejects(work, (error) => error === reason);
});

test("arguments that change while the call is decided do not run", async () => {
  const stub = new StubTransport().permit();
  const args = { amount: 5 };
  const refund = governed((_: { amount: number }) => assert.fail("it ran"), { name: "refund", transport: stub });
  const work = refund(args);
  args.amount = 5000;
  await assert.rejects(work, /changed while the call was being decided/);
  assert.equal(stub.outcomes[0]?.["error"], "ArgumentsInvalid");
});

test("options that make no sense are told when they are given", () => {
  const transport = new StubTransport();
  for (const [options, words] of [
    [{ onDeny: "raise" }, /onDeny/],
    [{ onDefer: "wait" }, /onDefer/],
    [{ approvalTimeoutMs: 0 }, /approvalTimeoutMs/],
    [{ timeoutMs: -1 }, /timeoutMs/],
    [{ socket: "/x" }, /not both/],
  ] as [object, RegExp][]) {
    assert.throws(() => tool(transport, options), words);
  }
});
