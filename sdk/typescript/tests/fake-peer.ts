/**
 * A FAKE daemon for tests of the transport: it decides nothing and does what the test says with the open socket. The
 * real daemon is met in `tests/sdk/typescript` of the repository.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

export interface Peer {
  readonly path: string;
  readonly requests: Request[];
  readonly connections: () => number;
  /** How many of them are open. */
  readonly open: () => number;
  /** Closes every connection that is open now; keeps listening. */
  readonly hangUp: () => void;
}

export type Answer = (socket: Socket, request: Request) => void;

/** The usual answer: a permit that echoes the call. */
export const permit: Answer = (socket, request) => {
  const decision = { effect: "PERMIT", action_id: `dpr-${request.id}`, call_id: request.params["call_id"] };
  reply(socket, request, request.method === "govern" ? decision : {});
};

export function reply(socket: Socket, request: Request, result: unknown): void {
  socket.write(`${JSON.stringify({ jsonrpc: "2.0", id: request.id, result })}\n`);
}

/** Listens until the test ends. */
export async function startPeer(t: TestContext, answer: Answer = permit): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), "fm-"));
  const path = join(folder, "peer.sock");
  const requests: Request[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    let text = "";
    socket.setEncoding("utf8").on("error", () => undefined);
    socket.on("close", () => open.delete(socket));
    socket.on("data", (part: string) => {
      const lines = (text + part).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const request = JSON.parse(line) as Request;
        requests.push(request);
        answer(socket, request);
      }
    });
  });
  await new Promise<void>((listening) => server.listen(path, listening));
  const hangUp = (): void => open.forEach((socket) => socket.destroy());
  t.after(() => {
    hangUp();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, requests, connections: () => connections, open: () => open.size, hangUp };
}
