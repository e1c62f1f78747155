/**
 * A gateway in front of the HTTP door of a real daemon: it keeps what passed, and a test may put an answer of its own
 * in the door's place.
 */

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as listen } from "node:net";
import type { TestContext } from "node:test";

import { POLICY, type Stack, startStack } from "./stack.js";

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

/** A daemon with an HTTP door, for an agent that comes with `TOKEN`. */
export async function startRemote(t: TestContext, policy = POLICY): Promise<{ stack: Stack; address: string }> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const hash = createHash("sha256").update(TOKEN).digest("hex");
  const attested = policy.replace(/^agent .*\{$/m, (head) => `${head} attest { token = "sha256:${hash}" }`);
  const runtime = `runtime { http_listen = "${address}" }\nidentity "tokens" { type = "token" }`;
  // On one line with what follows, so that the lines of the rules stay what they are.
  const stack = await startStack(t, `${attested}\n${runtime}`, "apply");
  return { stack, address: `http://${address}` };
}

/** Opens a gateway to the door at this address, until the test ends. */
export async function openDoor(t: TestContext, address: string, before: Before = () => false): Promise<Door> {
  const requests: Request[] = [];
  const server = createServer(async (incoming, reply) => {
    let text = "";
    for await (const part of incoming.setEncoding("utf8")) text += part;
    const { method = "", url: path = "", headers } = incoming;
    const request = { method, path, headers, body: text && JSON.parse(text) };
    requests.push(request);
    if (before(request, reply)) return;
    const { host: _host, connection: _connection, "content-length": _length, "transfer-encoding": _encoding, ...passed } = headers;
    const sent = { method, headers: passed as Record<string, string>, ...(text ? { body: text } : {}) };
    // A daemon that is gone is what a gateway calls 503.
    const answer = await fetch(`${address}${path}`, sent).catch(() => undefined);
    reply.writeHead(answer?.status ?? 503, { "content-type": "application/json" });
    reply.end(await answer?.text());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

function freePort(): Promise<number> {
  return new Promise((found, fail) => {
    const probe = listen().once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => found(port));
    });
  });
}
