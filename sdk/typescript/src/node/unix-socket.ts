/**
 * The transport to a local daemon: kept-open Unix sockets, one for decisions and one for waits.
 *
 * A request whose connection is lost is sent once more on a new one, with the same `call_id`: the daemon
 * answers a repeated `call_id` with the decision that it already made. Nothing else is ever sent twice.
 * Bounds: 64 decisions and 64 waits under way, 128 reports without an answer, 1 MiB a line.
 */

import { encodeJson } from "../arguments.js";
import { about, ToolDeniedError } from "../errors.js";
import { timedOut, tooLarge, unreachable, whose } from "../problems.js";
import { timeoutOf } from "../settings.js";
import { NoSlot, Slots } from "../slots.js";
import type { RequestOptions, Transport } from "../transport.js";
import { warnOnce } from "../warn.js";
import { type Fields, isFields, MAX_MESSAGE_BYTES, protocolError } from "../wire.js";
import { Connection, ConnectionLost, NoAnswer, refusal } from "./connection.js";
import { findSocket, type SocketAddress } from "./find-socket.js";

const MAX_UNDER_WAY = 64;
const MAX_REPORTS = 128;
const TELL_MS = 1000;
const FULL_BACKLOG_PAUSE_MS = 5;
const LOST = new Set(["ECONNRESET", "EPIPE"]);

/** Requests of one kind: their turns and their connection. */
interface Lane {
  readonly slots: Slots;
  connection: Connection | undefined;
}

/** Talks to the daemon at `socket`, else where the environment says it is. */
export class UnixSocketTransport implements Transport {
  readonly address: SocketAddress;
  readonly timeoutMs: number;
  readonly #decisions: Lane = { slots: new Slots(MAX_UNDER_WAY), connection: undefined };
  // Calls that wait for a person must not keep others from being decided.
  readonly #waits: Lane = { slots: new Slots(MAX_UNDER_WAY), connection: undefined };
  #ids = 0;
  #reports = 0;

  constructor(options: { readonly socket?: string | undefined; readonly timeoutMs?: number | undefined } = {}) {
    this.address = findSocket(options.socket);
    this.timeoutMs = timeoutOf(options.timeoutMs);
  }

  async request(method: string, params: Fields, options: RequestOptions = {}): Promise<Fields> {
    options.signal?.throwIfAborted();
    const timeoutMs = options.timeoutMs ?? this.timeoutMs;
    const deadline = performance.now() + timeoutMs;
    const lane = method === "poll_defer" ? this.#waits : this.#decisions;
    const [id, line] = this.#encode(method, params);
    try {
      const turn = lane.slots.acquire(timeoutMs, options.signal);
      if (turn) await turn;
    } catch (problem) {
      if (problem instanceof NoSlot) throw timedOut(this.#place, "waited for its turn", params);
      throw problem;
    }
    try {
      return result(await this.#exchange(lane, id, line, deadline, options.signal), params);
    } catch (problem) {
      throw this.#explained(problem, params);
    } finally {
      lane.slots.release();
    }
  }

  tell(method: string, params: Fields): void {
    if (this.#reports >= MAX_REPORTS) return warnOnce("an outcome was not reported: the daemon does not keep up");
    this.#reports += 1;
    const [id, line] = this.#encode(method, params);
    this.#connection(this.#decisions)
      .exchange(line, id, TELL_MS)
      .then((reply) => {
        if ("error" in reply) warnOnce(`the daemon refused the report of an outcome: ${refusal(reply["error"])}`);
      })
      .catch(() => warnOnce("an outcome was not reported: the daemon cannot be reached"))
      .finally(() => {
        this.#reports -= 1;
      });
    return undefined;
  }

  /** Closes the open connections; the transport can still be used. */
  close(): void {
    for (const lane of [this.#decisions, this.#waits]) {
      lane.connection?.close();
      lane.connection = undefined;
    }
  }

  get #place(): string {
    return `\`${this.address.path}\` (from ${this.address.source})`;
  }

  async #exchange(lane: Lane, id: number, line: string, deadline: number, signal?: AbortSignal): Promise<Fields> {
    for (let triesLeft = 1; ; ) {
      const connection = this.#connection(lane);
      try {
        return await connection.exchange(line, id, deadline - performance.now(), signal);
      } catch (problem) {
        // What did not answer in time may never answer; those who still wait on it keep it open.
        if (problem instanceof NoAnswer) connection.retire();
        if (codeOf(problem) === "EAGAIN" && performance.now() < deadline) {
          // On a Unix socket this is a full backlog: nothing was sent.
          await new Promise((resolve) => setTimeout(resolve, FULL_BACKLOG_PAUSE_MS));
        } else if (isLost(problem) && triesLeft > 0) {
          triesLeft -= 1;
        } else {
          throw problem;
        }
      }
    }
  }

  #connection(lane: Lane): Connection {
    if (!lane.connection?.isUsable) lane.connection = new Connection(this.address.path);
    return lane.connection;
  }

  #encode(method: string, params: Fields): [number, string] {
    this.#ids += 1;
    const line = `${encodeJson({ jsonrpc: "2.0", id: this.#ids, method, params })}\n`;
    if (line.length > MAX_MESSAGE_BYTES / 4 && Buffer.byteLength(line) > MAX_MESSAGE_BYTES) throw tooLarge(params);
    return [this.#ids, line];
  }

  #explained(problem: unknown, params: Fields): unknown {
    if (problem instanceof ToolDeniedError) return about(problem, whose(params));
    if (problem instanceof NoAnswer) return timedOut(this.#place, "no answer", params);
    const code = codeOf(problem);
    if (!code && !(problem instanceof ConnectionLost)) return problem;
    const words: Record<string, string> = {
      ENOENT: "there is no socket",
      ECONNREFUSED: "nobody listens there",
      EACCES: "this user may not open it",
    };
    const what = words[code] ?? (problem as Error).message;
    return unreachable(this.#place, what, "or set FARAMESH_SOCKET", params, problem);
  }
}

function result(reply: Fields, params: Fields): Fields {
  if (reply["error"] !== undefined && reply["error"] !== null) {
    throw about(protocolError(`the daemon refused the request: ${refusal(reply["error"])}`), whose(params));
  }
  if (!isFields(reply["result"])) throw about(protocolError("the reply has no result"), whose(params));
  return reply["result"];
}

function isLost(problem: unknown): boolean {
  return problem instanceof ConnectionLost || LOST.has(codeOf(problem));
}

function codeOf(problem: unknown): string {
  const code: unknown = problem instanceof Error ? Reflect.get(problem, "code") : undefined;
  return typeof code === "string" ? code : "";
}
