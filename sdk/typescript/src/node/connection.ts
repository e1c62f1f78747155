/**
 * One open line to the daemon: newline-delimited JSON-RPC over a Unix socket, many requests at once, replies
 * matched by id.
 *
 * The socket keeps the process alive only while an answer is awaited. Once anything went wrong, everybody who
 * waits is told and the connection is not used again. A reply is at most 1 MiB.
 */

import { createConnection, type Socket } from "node:net";

import { type Fields, isFields, MAX_MESSAGE_BYTES, protocolError } from "../wire.js";

/** The daemon closed the connection before it answered. */
export class ConnectionLost extends Error {}

/** No answer in time. */
export class NoAnswer extends Error {}

interface Waiting {
  readonly resolve: (reply: Fields) => void;
  readonly reject: (problem: unknown) => void;
}

const LINE_END = 0x0a;

/** A socket that is connected, or about to be. */
export class Connection {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #parts: Buffer[] = [];
  #size = 0;
  #over = false;
  #retired = false;

  constructor(path: string) {
    this.#socket = createConnection({ path });
    this.#socket.on("data", (chunk) => this.#receive(chunk));
    this.#socket.on("error", (problem) => this.#end(problem));
    this.#socket.on("close", () => this.#end(new ConnectionLost("the daemon closed the connection")));
    this.#socket.unref();
  }

  /** Whether a new request can go out on this connection. */
  get isUsable(): boolean {
    return !this.#over && !this.#retired && this.#socket.writable;
  }

  /** Sends one line and waits for the reply with its id. */
  exchange(line: string, id: number, timeoutMs: number, signal?: AbortSignal): Promise<Fields> {
    return new Promise((resolve, reject) => {
      if (!this.isUsable) return reject(new ConnectionLost("the connection is closed"));
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
        if (this.#waiting.delete(id) && this.#waiting.size === 0) this.#rest();
      };
      const aborted = (): void => waiting.reject(signal?.reason);
      const waiting: Waiting = {
        resolve: (reply) => {
          settle();
          resolve(reply);
        },
        reject: (problem) => {
          settle();
          reject(problem);
        },
      };
      const timer = setTimeout(() => waiting.reject(new NoAnswer()), Math.max(1, timeoutMs));
      signal?.addEventListener("abort", aborted, { once: true });
      if (this.#waiting.size === 0) this.#socket.ref();
      this.#waiting.set(id, waiting);
      this.#socket.write(line);
      return undefined;
    });
  }

  /** Takes no new requests, and closes once nobody waits any more. */
  retire(): void {
    this.#retired = true;
    if (this.#waiting.size === 0) this.#rest();
  }

  /** Closes the connection; who waits gets `ConnectionLost`. */
  close(): void {
    this.#end(new ConnectionLost("the connection was closed"));
  }

  #rest(): void {
    if (this.#retired) this.close();
    else this.#socket.unref();
  }

  #receive(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
      this.#parts.push(chunk.subarray(from, end));
      const line = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
      this.#parts = [];
      this.#size = 0;
      from = end + 1;
      this.#answer(line?.toString("utf8") ?? "");
    }
    if (from < chunk.length) {
      this.#parts.push(chunk.subarray(from));
      this.#size += chunk.length - from;
    }
    if (this.#size > MAX_MESSAGE_BYTES) this.#end(protocolError("the reply is longer than 1 MiB"));
  }

  #answer(line: string): void {
    if (line.length > MAX_MESSAGE_BYTES) return this.#end(protocolError("the reply is longer than 1 MiB"));
    let reply: unknown;
    try {
      reply = JSON.parse(line);
    } catch {
      return this.#end(protocolError("the reply is not JSON"));
    }
    if (!isFields(reply)) return this.#end(protocolError("the reply is not a JSON object"));
    const id = reply["id"];
    if (id === null || id === undefined) {
      // An error about a line that the daemon could not read: whose, it cannot say.
      if ("error" in reply) this.#end(protocolError(`the daemon refused a request: ${refusal(reply["error"])}`));
      return undefined;
    }
    // A reply that nobody waits for any more belongs to a request that was given up.
    if (typeof id === "number") this.#waiting.get(id)?.resolve(reply);
    return undefined;
  }

  #end(problem: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    for (const { reject } of [...this.#waiting.values()]) reject(problem);
  }
}

/** What a JSON-RPC error says, for a message. */
export function refusal(error: unknown): string {
  const { message, code } = isFields(error) ? error : {};
  return `${typeof message === "string" ? message : "no reason"} (${typeof code === "number" ? code : "no code"})`;
}
