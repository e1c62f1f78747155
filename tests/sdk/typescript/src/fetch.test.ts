/** The transport over HTTP, through a gateway in front of the HTTP door of a real daemon. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import {
  DaemonProtocolError,
  DaemonTimeout,
  DaemonUnreachable,
  FetchTransport,
  governed,
  type GovernedOptions,
  Session,
  ToolDeferredError,
  ToolDeniedError,
} from "@faramesh/sdk";

import { type Before, openDoor, startRemote, TOKEN } from "./door.js";

function refundVia(url: string, options: GovernedOptions = {}) {
  const moved: number[] = [];
  const refund = ({ amount }: { amount: number }) => {
    moved.push(amount);
    return `refunded ${amount}`;
  };
  const all = { name: "stripe/refund", agentId: "support-bot", url, token: TOKEN, ...options };
  return { refund: governed(refund, all), moved };
}

test("permit, deny, defer, approve, permit", async (t) => {
  const { stack, address } = await startRemote(t);
  const door = await openDoor(t, address);
  const { refund, moved } = refundVia(`${door.url}/`);
  assert.equal(await refund({ amount: 80 }), "refunded 80");
  await assert.rejects(refund({ amount: 20_000 }), (error) => error instanceof ToolDeniedError && error.code === "POLICY_DENY");
  const deferred = await refund({ amount: 8000 }).catch((error: unknown) => error);
  assert.ok(deferred instanceof ToolDeferredError);
  await stack.approve(deferred.approvalId);
  assert.equal(await refund({ amount: 8000 }), "refunded 8000");
  assert.deepEqual(moved, [80, 8000]);
  assert.equal((await stack.waitForRecords("outcome", 2)).length, 2);
  assert.equal(door.requests[0]?.headers["content-type"], "application/json");
});

test("block waits by long polls", async (t) => {
  const { stack, address } = await startRemote(t);
  const door = await openDoor(t, address);
  const { refund } = refundVia(door.url, { onDefer: "block", approvalTimeoutMs: 30_000 });
  const work = refund({ amount: 8000 });
  await stack.approve(await stack.waitForPending());
  assert.equal(await work, "refunded 8000");
  const polls = door.requests.filter(({ path }) => path.startsWith("/v1/approvals/apr-"));
  assert.equal(polls.length, 1);
  assert.match(polls[0]?.path ?? "", /\?wait=20$/);
});

test("a wrong token, no door, a closed door", async (t) => {
  const { address } = await startRemote(t);
  const door = await openDoor(t, address);
  const wrong = refundVia(door.url, { token: "wrong" });
  await assert.rejects(wrong.refund({ amount: 1 }), (error) => error instanceof DaemonProtocolError && /token/.test(error.message));
  const other = refundVia(`${door.url}/elsewhere`);
  await assert.rejects(other.refund({ amount: 1 }), (error) => error instanceof ToolDeniedError && /nothing at this path/.test(error.message));
  const nobody = refundVia("http://127.0.0.1:9");
  await assert.rejects(nobody.refund({ amount: 1 }), (error) => error instanceof DaemonUnreachable && error.code === "DAEMON_UNREACHABLE");
  assert.deepEqual([wrong.moved, other.moved, nobody.moved], [[], [], []]);
});

test("what met no decision is asked again, with the same call_id", async (t) => {
  const { address } = await startRemote(t);
  let left = 2;
  const busy: Before = ({ path }, reply) => {
    if (path !== "/v1/evaluate" || left === 0) return false;
    left -= 1;
    if (left === 0) reply.destroy();
    else reply.writeHead(503).end("busy");
    return true;
  };
  const door = await openDoor(t, address, busy);
  const { refund, moved } = refundVia(door.url);
  assert.equal(await refund({ amount: 80 }), "refunded 80");
  const asked = door.requests.filter(({ path }) => path === "/v1/evaluate");
  assert.equal(asked.length, 3);
  assert.equal(new Set(asked.map(({ body }) => body.call_id)).size, 1);
  assert.deepEqual(moved, [80]);
  left = 1000;
  await assert.rejects(refund({ amount: 81 }), DaemonUnreachable);
  assert.equal(left, 997);
});

const says = (status: number, body: string): Before => (_, reply) => {
  reply.writeHead(status).end(body);
  return true;
};

test("replies that cannot be trusted do not permit", async (t) => {
  const { address } = await startRemote(t);
  const permit = { effect: "PERMIT", action_id: "dpr-1" };
  const replies: Before[] = [
    says(403, JSON.stringify(permit)),
    says(202, JSON.stringify(permit)),
    says(200, JSON.stringify({ ...permit, call_id: "another" })),
    says(200, JSON.stringify({ effect: "PERMIT" })),
    says(200, JSON.stringify({ effect: "ALLOW", action_id: "dpr-1" })),
    says(200, '{"effect":"PERMIT","action_id":"dpr-1"'),
    says(200, JSON.stringify([permit])),
    says(200, JSON.stringify({ ...permit, pad: "x".repeat(1024 * 1024) })),
    says(500, "oops"),
  ];
  for (const [at, answer] of replies.entries()) {
    const { url } = await openDoor(t, address, answer);
    const { refund, moved } = refundVia(url);
    await assert.rejects(refund({ amount: 80 }), DaemonProtocolError, `reply ${at}`);
    assert.deepEqual(moved, []);
  }
});

test("a redirect is not followed", async (t) => {
  const { address } = await startRemote(t);
  const elsewhere = await openDoor(t, address, ({ body }, reply) => {
    reply.end(JSON.stringify({ effect: "PERMIT", action_id: "dpr-1", call_id: body?.call_id }));
    return true;
  });
  const door = await openDoor(t, address, (_, reply) => {
    reply.writeHead(307, { location: `${elsewhere.url}/v1/evaluate` }).end();
    return true;
  });
  const { refund, moved } = refundVia(door.url);
  await assert.rejects(refund({ amount: 80 }), DaemonUnreachable);
  assert.deepEqual([moved, elsewhere.requests], [[], []]);
});

test("a door that hangs, and a caller that leaves", async (t) => {
  const { address } = await startRemote(t);
  const door = await openDoor(t, address, () => true);
  const { refund, moved } = refundVia(door.url, { timeoutMs: 200 });
  const started = Date.now();
  await assert.rejects(refund({ amount: 80 }), DaemonTimeout);
  assert.ok(Date.now() - started < 3000);
  const transport = new FetchTransport({ url: door.url, token: TOKEN, timeoutMs: 20_000 });
  const leaving = new AbortController();
  const work = transport.request("govern", { tool: "x", args: {}, call_id: "1" }, { signal: leaving.signal });
  await sleep(50);
  const reason = new Error("enough");
  leaving.abort(reason);
  await assert.rejects(work, (error) => error === reason);
  assert.deepEqual(moved, []);
});

test("addresses that would give a token away, or are none", () => {
  assert.throws(() => new FetchTransport({ url: "http://faramesh.internal", token: TOKEN }), /https/);
  assert.throws(() => new FetchTransport({ url: "https://user:secret@faramesh.internal" }), /password/);
  assert.throws(() => new FetchTransport({ url: "ftp://faramesh.internal" }), /https/);
  assert.equal(new FetchTransport({ url: "https://faramesh.internal/base/", token: TOKEN }).url, "https://faramesh.internal/base");
});

test("a session goes its own paths", async (t) => {
  const { address } = await startRemote(t);
  const door = await openDoor(t, address);
  const session = new Session({ sessionId: "s-1", url: door.url, token: TOKEN });
  await session.declarePurpose("support");
  await session.complete();
  await assert.rejects(session.spawn("worker"), (error) => error instanceof ToolDeniedError && error.code === "SPAWN_DENIED");
  assert.deepEqual(
    door.requests.map(({ path }) => path),
    ["/v1/session/purpose", "/v1/complete", "/v1/spawn"],
  );
});

test("the environment names the way, and its token is for its address alone", async (t) => {
  const { address } = await startRemote(t);
  const door = await openDoor(t, address);
  Object.assign(process.env, { FARAMESH_URL: door.url, FARAMESH_TOKEN: TOKEN });
  t.after(() => {
    delete process.env["FARAMESH_URL"];
    delete process.env["FARAMESH_TOKEN"];
  });
  const search = governed(() => "found", { name: "knowledgebase/search", agentId: "support-bot" });
  assert.equal(await search(), "found");
  const elsewhere = governed(() => "found", { name: "knowledgebase/search", url: door.url });
  await assert.rejects(async () => elsewhere(), DaemonProtocolError);
  assert.equal(door.requests.at(-1)?.headers.authorization, undefined);
});
