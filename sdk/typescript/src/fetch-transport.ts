/**
 * The transport over HTTP, with the `fetch` of the runtime: browsers, edge functions, Deno, Bun, Node.
 *
 * `POST /v1/evaluate`, `POST /v1/outcome`, `GET /v1/approvals/{id}?wait=SECONDS`. A request that met no
 * decision (no connection, or a gateway's 429, 502, 503, 504) is sent again after a pause, at most twice,
 * always with the same `call_id`, so nothing is decided twice.
 *
 * INVARIANT: imports nothing of Node, follows no redirect, reads at most 1 MiB of a reply, and takes a
 * permit only from a 200.
 */

import { encodeJson } from "./arguments.js";
import { about, ToolDeniedError } from "./errors.js";
import { timedOut, tooLarge, unreachable, whose } from "./problems.js";
import { timeoutOf } from "./settings.js";
import { NoSlot, Slots } from "./slots.js";
import type { RequestOptions, Transport } from "./transport.js";
import { warnOnce } from "./warn.js";
import { type Fields, isFields, MAX_MESSAGE_BYTES, protocolError } from "./wire.js";

const MAX_UNDER_WAY = 64;
const TRIES = 3;
const FIRST_PAUSE_MS = 100;
const WITHOUT_DECISION = new Set([429, 502, 503, 504]);
const PATHS: Readonly<Record<string, string>> = {
  govern: "/v1/evaluate",
  outcome: "/v1/outcome",
  complete: "/v1/complete",
  spawn: "/v1/spawn",
  delegate: "/v1/delegate",
  revoke: "/v1/revoke",
  "session.declare_purpose": "/v1/session/purpose",
  "session.enter_phase": "/v1/session/phase",
};
/** Requests that a decision answers; the others are only taken or not. */
const DECIDED = new Set(["/v1/evaluate", "/v1/complete", "/v1/spawn", "/v1/delegate"]);
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Where the daemon's HTTP door is, and how to be let in. */
export interface FetchTransportOptions {
  /** The base address, such as `https://faramesh.internal:8443`. */
  readonly url: string | URL;
  /** Sent as `Authorization: Bearer …`; over plain HTTP to this machine only. */
  readonly token?: string | undefined;
  /** How long one decision may take, in milliseconds; `FARAMESH_TIMEOUT_MS`, else 5000. */
  readonly timeoutMs?: number | undefined;
  /** Another `fetch`, for a client certificate or a proxy. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

interface Exchange {
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly body?: string;
  readonly params: Fields;
  readonly signal: AbortSignal;
}

/** Asks a daemon over HTTP. At most 64 decisions and 64 waits are under way at once. */
export class FetchTransport implements Transport {
  readonly url: string;
  readonly timeoutMs: number;
  readonly #headers: Record<string, string>;
  readonly #fetch: typeof globalThis.fetch;
  readonly #slots = new Slots(MAX_UNDER_WAY);
  readonly #pollSlots = new Slots(MAX_UNDER_WAY);

  constructor(options: FetchTransportOptions) {
    const url = new URL(options.url);
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      throw new TypeError(`\`url\` must begin with https:// or http://, not ${url.protocol}`);
    }
    if (url.username || url.password) throw new TypeError("`url` must hold no password; give `token`");
    if (options.token && url.protocol === "http:" && !LOOPBACK.has(url.hostname)) {
      throw new TypeError("a token would be readable on its way over http://; use https://");
    }
    this.url = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
    this.timeoutMs = timeoutOf(options.timeoutMs);
    this.#headers = { accept: "application/json" };
    if (options.token) this.#headers["authorization"] = `Bearer ${options.token}`;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  }

  async request(method: string, params: Fields, options: RequestOptions = {}): Promise<Fields> {
    const polls = method === "poll_defer";
    const timeoutMs = options.timeoutMs ?? this.timeoutMs;
    const exchange = polls ? this.#poll(params) : this.#post(pathOf(method), params);
    // Calls that wait for a person must not keep others from being decided.
    const slots = polls ? this.#pollSlots : this.#slots;
    const started = Date.now();
    try {
      await slots.acquire(timeoutMs, options.signal);
    } catch (problem) {
      if (problem instanceof NoSlot) throw timedOut(this.#place, "waited for its turn", params);
      throw problem;
    }
    const clock = new AbortController();
    const timer = setTimeout(() => clock.abort(), Math.max(1, timeoutMs - (Date.now() - started)));
    const stop = (): void => clock.abort();
    options.signal?.addEventListener("abort", stop, { once: true });
    try {
      options.signal?.throwIfAborted();
      return await this.#tries({ ...exchange, signal: clock.signal });
    } catch (problem) {
      options.signal?.throwIfAborted();
      if (problem instanceof ToolDeniedError) throw about(problem, whose(params));
      if (clock.signal.aborted) throw timedOut(this.#place, "no answer", params);
      throw problem;
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", stop);
      slots.release();
    }
  }

  tell(method: string, params: Fields): void {
    const body = encodeJson(params);
    const sent = this.#fetch(`${this.url}${pathOf(method)}`, {
      method: "POST",
      headers: { ...this.#headers, "content-type": "application/json" },
      body,
      redirect: "error",
      keepalive: true,
      signal: AbortSignal.timeout(this.timeoutMs),
    });
    sent.then(
      async (reply) => {
        await reply.body?.cancel();
        if (!reply.ok) warnOnce(`the daemon refused the report of an outcome (HTTP ${reply.status})`);
      },
      () => warnOnce("an outcome was not reported: the daemon cannot be reached"),
    );
  }

  close(): void {
    // The runtime keeps the connections.
  }

  get #place(): string {
    return `\`${this.url}\``;
  }

  #post(path: string, params: Fields): Omit<Exchange, "signal"> {
    const body = encodeJson(params);
    if (new TextEncoder().encode(body).length > MAX_MESSAGE_BYTES) throw tooLarge(params);
    return { path, method: "POST", body, params };
  }

  #poll(params: Fields): Omit<Exchange, "signal"> {
    const token = encodeURIComponent(String(params["defer_token"] ?? ""));
    const wait = Number(params["wait_ms"] ?? 0) / 1000;
    return { path: `/v1/approvals/${token}?wait=${wait}`, method: "GET", params };
  }

  async #tries(exchange: Exchange): Promise<Fields> {
    for (let left = TRIES - 1, pause = FIRST_PAUSE_MS; ; left -= 1, pause *= 2) {
      let what = "the connection failed";
      let cause: unknown;
      try {
        const reply = await this.#send(exchange);
        const fields = await readFields(reply);
        const told = result(exchange, reply, fields);
        if (told) return told;
        if (!WITHOUT_DECISION.has(reply.status)) throw refused(reply, fields);
        what = `it answered HTTP ${reply.status}`;
      } catch (problem) {
        if (problem instanceof ToolDeniedError || exchange.signal.aborted) throw problem;
        cause = problem;
      }
      if (left === 0) throw unreachable(this.#place, what, "or correct `url`", exchange.params, cause);
      await pauseFor(pause * (0.5 + Math.random()), exchange.signal);
    }
  }

  #send(exchange: Exchange): Promise<Response> {
    const request: RequestInit = {
      method: exchange.method,
      headers: { ...this.#headers },
      redirect: "error",
      signal: exchange.signal,
    };
    if (exchange.body !== undefined) {
      request.body = exchange.body;
      request.headers = { ...this.#headers, "content-type": "application/json" };
    }
    return this.#fetch(`${this.url}${exchange.path}`, request);
  }
}

function pathOf(method: string): string {
  const path = PATHS[method];
  if (path === undefined) throw protocolError(`no path of the HTTP door is for \`${method}\``);
  return path;
}

/** What the daemon said; nothing when nobody decided. */
function result(exchange: Exchange, reply: Response, fields: Fields | undefined): Fields | undefined {
  if (!fields || reply.status === 401) return undefined;
  if (exchange.method === "GET") {
    return "status" in fields && (reply.ok || reply.status === 404) ? fields : undefined;
  }
  if (!DECIDED.has(exchange.path)) return reply.status === 200 ? fields : undefined;
  if (!("effect" in fields)) return undefined;
  if (fields["effect"] === "PERMIT" && reply.status !== 200) {
    throw protocolError(`the reply permits with HTTP ${reply.status}`);
  }
  return fields;
}

function refused(reply: Response, fields: Fields | undefined): ToolDeniedError {
  const said = fields?.["human_message"];
  let reason = typeof said === "string" ? said : "the reply holds no decision";
  if (reply.status === 401) reason = "the daemon does not know who calls: `token` is wrong or missing";
  return protocolError(`${reason} (HTTP ${reply.status})`);
}

/** The JSON object in the reply's body; nothing when it is something else. */
async function readFields(reply: Response): Promise<Fields | undefined> {
  const reader = reply.body?.getReader();
  if (!reader) return undefined;
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > MAX_MESSAGE_BYTES) {
      await reader.cancel();
      throw protocolError("the reply is longer than 1 MiB");
    }
    text += decoder.decode(part.value, { stream: true });
  }
  try {
    const value: unknown = JSON.parse(text + decoder.decode());
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      signal.removeEventListener("abort", aborted);
      resolve();
    }
    function aborted(): void {
      clearTimeout(timer);
      reject(signal.reason);
    }
    signal.addEventListener("abort", aborted, { once: true });
  });
}
