/** The transport over the Unix socket: reuse, bounds, what is sent again and what is not. */

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { findSocket } from "../src/node/find-socket.js";
import { ArgumentsInvalid, DaemonProtocolError, DaemonTimeout, DaemonUnreachable, governed, UnixSocketTransport } from "../src/node.js";
import { permit, reply, type Request, startPeer } from "./fake-peer.js";

const call = (n = 1) => ({ tool: "tool", args: { n }, call_id: `call-${n}` });
const byMethod = (requests: Request[], method: string) => requests.filter((request) => request.method === method);

test("one connection carries many calls, also at once, and replies may come in any order", async (t) => {
  const held: (() => void)[] = [];
  const peer = await startPeer(t, (socket, request) => {
    held.push(() => reply(socket, request, { effect: "PERMIT", action_id: `dpr-${request.params["call_id"]}` }));
    if (held.length === 40) held.reverse().forEach((answer) => answer());
  });
  const transport = new UnixSocketTransport({ socket: peer.path });
  const results = await Promise.all(Array.from({ length: 40 }, (_, n) => transport.request("govern", call(n))));
  assert.deepEqual(results.map(({ action_id }) => action_id), Array.from({ length: 40 }, (_, n) => `dpr-call-${n}`));
  assert.equal(peer.connections(), 1);
});

test("all tools of a process that go the same way share a connection", async (t) => {
  const peer = await startPeer(t);
  const tools = Array.from({ length: 20 }, (_, at) => governed(() => at, { name: `tool-${at}`, socket: peer.path }));
  for (const tool of tools) await tool();
  assert.equal(peer.connections(), 1);
  await governed(() => 1, { name: "other", socket: peer.path, timeoutMs: 77 })();
  assert.equal(peer.connections(), 2);
});

test("at most 64 are under way; the others wait their turn, within their time", async (t) => {
  const held: (() => void)[] = [];
  const peer = await startPeer(t, (socket, request) => held.push(() => permit(socket, request)));
  const transport = new UnixSocketTransport({ socket: peer.path, timeoutMs: 2000 });
  const work = Array.from({ length: 70 }, (_, n) => transport.request("govern", call(n)));
  const hurried = transport.request("govern", call(99), { timeoutMs: 50 });
  await assert.rejects(hurried, (error) => error instanceof DaemonTimeout && /turn/.test(error.message));
  await sleep(100);
  assert.equal(peer.requests.length, 64);
  for (let answered = 0; answered < 70; await sleep(5)) for (; held.length > 0; answered += 1) held.shift()?.();
  await Promise.all(work);
});

test("a lost connection is made again once, with the same call_id", async (t) => {
  let losses = 1;
  const peer = await startPeer(t, (socket, request) => {
    if (losses-- > 0) socket.destroy();
    else permit(socket, request);
  });
  const transport = new UnixSocketTransport({ socket: peer.path });
  await transport.request("govern", call());
  assert.deepEqual(peer.requests.map(({ params }) => params["call_id"]), ["call-1", "call-1"]);
  losses = 2;
  await assert.rejects(transport.request("govern", call(2)), DaemonUnreachable);
  assert.equal(peer.requests.length, 4);
  peer.hangUp();
  await transport.request("govern", call(3));
});

test("an answer that comes too late is no answer, and the next call gets its own", async (t) => {
  const peer = await startPeer(t, (socket, request) => {
    setTimeout(() => permit(socket, request), request.params["call_id"] === "call-1" ? 150 : 0);
  });
  const transport = new UnixSocketTransport({ socket: peer.path });
  await assert.rejects(transport.request("govern", call(1), { timeoutMs: 50 }), DaemonTimeout);
  assert.equal((await transport.request("govern", call(2)))["call_id"], "call-2");
  await sleep(200);
  assert.equal((await transport.request("govern", call(3)))["call_id"], "call-3");
  assert.deepEqual([peer.connections(), peer.open()], [2, 1]);
});

test("waits for people do not hold up decisions, and outcomes do not hold up the tool", async (t) => {
  const peer = await startPeer(t, (socket, request) => {
    if (request.method === "govern") permit(socket, request);
  });
  const transport = new UnixSocketTransport({ socket: peer.path, timeoutMs: 1000 });
  const waits = Array.from({ length: 100 }, () => transport.request("poll_defer", { defer_token: "x" }, { timeoutMs: 600 }));
  const tool = governed(() => "ran", { name: "tool", transport });
  for (let n = 0; n < 200; n += 1) assert.equal(await tool(), "ran");
  for (const { status } of await Promise.allSettled(waits)) assert.equal(status, "rejected");
  assert.ok(byMethod(peer.requests, "outcome").length >= 128);
  assert.equal(byMethod(peer.requests, "govern").length, 200);
});

test("a request over 1 MiB is not sent, a reply over 1 MiB is not read", async (t) => {
  const peer = await startPeer(t, (socket, request) => reply(socket, request, { pad: "x".repeat(1024 * 1024) }));
  const transport = new UnixSocketTransport({ socket: peer.path });
  const large = { ...call(), args: { text: "ü".repeat(600_000) } };
  await assert.rejects(transport.request("govern", large), ArgumentsInvalid);
  assert.equal(peer.requests.length, 0);
  await assert.rejects(transport.request("govern", call()), DaemonProtocolError);
});

test("agent.env is read from the nearest folder, and not when others can write it", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fm-"));
  const before = process.cwd();
  t.after(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
  const runtime = join(folder, ".faramesh/runtime");
  mkdirSync(runtime, { recursive: true });
  mkdirSync(join(folder, "deep/er"), { recursive: true });
  writeFileSync(join(runtime, "agent.env"), "# made by faramesh\nOTHER=1\nexport FARAMESH_SOCKET=\"run/x.sock\"\n", { mode: 0o600 });
  process.chdir(join(folder, "deep/er"));
  assert.equal(findSocket().path, join(process.cwd(), "../..", "run/x.sock"));
  assert.match(findSocket().source, /agent\.env$/);
  chmodSync(join(runtime, "agent.env"), 0o666);
  assert.equal(findSocket().source, "the default place");
  process.env["FARAMESH_SOCKET"] = "~/named.sock";
  t.after(() => delete process.env["FARAMESH_SOCKET"]);
  assert.match(findSocket().path, /^\/.*\/named\.sock$/);
  assert.equal(findSocket("/explicit").path, "/explicit");
});
