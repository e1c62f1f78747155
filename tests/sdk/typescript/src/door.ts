/**
 * The HTTP door of `wire.md` §2 as a small real server in front of a real daemon's socket.
 *
 * The daemon has no HTTP door of its own yet; this one carries every call to the daemon and its answer back, so
 * that the decisions are real. A test may put an answer of its own in front.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { TestContext } from "node:test";

export const TOKEN = "let-me-in";

export interface Request {
  readonly method: string;
  readonly path: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the client sent
  readonly body: any;
  readonly headers: IncomingMessage["headers"];
}

/** Answers in the door's place and returns true, or leaves it to the door. */
export type Before = (request: Request, reply: ServerResponse) => boolean;

export interface Door {
  readonly url: string;
  readonly requests: Request[];
}

/** Opens a door to the daemon at this socket, until the test ends. */
export async function openDoor(t: TestContext, socket: string, before: Before = () => false): Promise<Door> {
  const requests: Request[] = [];
  const server = createServer(async (incoming, reply) => {
    let text = "";
    for await (const part of incoming.setEncoding("utf8")) text += part;
    const { method = "", url: path = "", headers } = incoming;
    const request = { method, path, headers, body: text && JSON.parse(text) };
    requests.push(request);
    if (before(request, reply)) return;
    if (headers.authorization !== `Bearer ${TOKEN}`) return void reply.writeHead(401).end();
    // A daemon that is gone is what a gateway calls 503.
    const [status, body] = await answer(socket, request).catch((): [number, unknown] => [503, {}]);
    reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

async function answer(socket: string, { method, path, body }: Request): Promise<[number, unknown]> {
  const url = new URL(path, "http://door");
  const approval = /^\/v1\/approvals\/([^/]+)$/.exec(url.pathname)?.[1];
  if (method === "POST" && path === "/v1/evaluate") {
    const result = await ask(socket, "govern", body);
    return [result.effect === "PERMIT" ? 200 : result.effect === "DEFER" ? 202 : 403, result];
  }
  if (method === "POST" && path === "/v1/outcome") return [200, await ask(socket, "outcome", body)];
  if (method === "GET" && approval) {
    const wait_ms = Math.max(1, Number(url.searchParams.get("wait")) * 1000);
    return [200, await ask(socket, "poll_defer", { defer_token: decodeURIComponent(approval), wait_ms })];
  }
  return [404, {}];
}

function ask(socket: string, method: string, params: unknown): Promise<{ effect?: string }> {
  return new Promise((done, fail) => {
    let text = "";
    const line = connect(socket, () => line.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })}\n`));
    line.setEncoding("utf8").on("error", fail);
    line.on("data", (part) => {
      text += part;
      if (!text.endsWith("\n")) return;
      line.end();
      const { result, error } = JSON.parse(text);
      if (error) fail(new Error(error.message));
      else done(result);
    });
  });
}
