/**
 * What an agent says of its session, and of other agents that it works with. The daemon records each
 * before it counts; what is not allowed rejects with a `ToolDeniedError`.
 */

import { agentIdOf, sessionIdOf, timeoutOf } from "./settings.js";
import { openTransport, type Transport } from "./transport.js";
import { type Call, type Fields, parseDecision, type Permit } from "./wire.js";

/** Who the session belongs to, and the way to the daemon, as in `GovernOptions`. */
export interface SessionOptions {
  readonly sessionId?: string;
  readonly agentId?: string;
  /** The delegation that this agent acts under itself, for handing on further. */
  readonly delegation?: string;
  readonly timeoutMs?: number;
  readonly socket?: string;
  readonly url?: string;
  readonly token?: string;
  readonly transport?: Transport;
}

/** Authority that was handed on: give `token` to the receiver's tools as `delegation`. */
export interface Delegation {
  readonly token: string;
  readonly expiresAt: string;
}

/** Leave to start an agent; say `ended` when it has, so that another may start. */
export interface Spawned {
  readonly agent: string;
  readonly actionId: string;
  ended(ok?: boolean): void;
}

/** One session of one agent. Without an id it is `FARAMESH_SESSION_ID`, else a new one. */
export class Session {
  readonly id: string;
  readonly #agentId: string;
  readonly #delegation: string | undefined;
  readonly #transport: Transport;

  constructor(options: SessionOptions = {}) {
    const { transport, socket, url, token, timeoutMs } = options;
    if (timeoutMs !== undefined) timeoutOf(timeoutMs);
    if (transport && (socket !== undefined || url !== undefined || token !== undefined)) {
      throw new TypeError("give `transport`, or `socket` or `url` with `token`, not both");
    }
    this.id = sessionIdOf(options.sessionId) || `session-${crypto.randomUUID()}`;
    this.#agentId = agentIdOf(options.agentId);
    this.#delegation = options.delegation;
    this.#transport = transport ?? openTransport({ socket, url, token, timeoutMs });
  }

  /** Says what the session is for, once; `purpose("…")` in a policy reads it. */
  async declarePurpose(purpose: string): Promise<void> {
    await this.#transport.request("session.declare_purpose", this.#params({ purpose }));
  }

  /** Goes on to another stage of the work, forwards. */
  async enterPhase(phase: string): Promise<void> {
    await this.#transport.request("session.enter_phase", this.#params({ phase }));
  }

  /** Resolves when everything that the agent's completion gate requires holds; else rejects. */
  async complete(task?: unknown): Promise<void> {
    await this.#decided("complete", "faramesh/complete", { task });
  }

  /** Leave to start another agent; starting it is the caller's. */
  async spawn(agent: string): Promise<Spawned> {
    const began = Date.now();
    const { actionId } = (await this.#decided("spawn", "faramesh/spawn", { starts: agent })).permit;
    const ended = (ok = true): void => {
      const outcome = { action_id: actionId, status: ok ? "ok" : "error", duration_ms: Date.now() - began };
      this.#transport.tell("outcome", this.#agentId ? { ...outcome, agent: this.#agentId } : outcome);
    };
    return { agent, actionId, ended };
  }

  /** Hands authority on to another agent, as far as the policy lets this one. */
  async delegate(
    to: string,
    { scope, ttlSeconds }: { readonly scope?: readonly string[]; readonly ttlSeconds?: number } = {},
  ): Promise<Delegation> {
    const asked = { to, scope, ttl_seconds: ttlSeconds, delegation: this.#delegation };
    const { result } = await this.#decided("delegate", "faramesh/delegate", asked);
    return { token: String(result["delegation"] ?? ""), expiresAt: String(result["expires_at"] ?? "") };
  }

  /** Takes back what this agent handed on. */
  async revoke(delegation: Delegation | string): Promise<void> {
    const token = typeof delegation === "string" ? delegation : delegation.token;
    const params = this.#agentId ? { delegation: token, agent: this.#agentId } : { delegation: token };
    await this.#transport.request("revoke", params);
  }

  close(): void {
    this.#transport.close();
  }

  async #decided(method: string, tool: string, members: Fields): Promise<{ permit: Permit; result: Fields }> {
    const call: Call = {
      tool,
      args: {},
      callId: crypto.randomUUID(),
      agentId: this.#agentId,
      sessionId: this.id,
    };
    const result = await this.#transport.request(method, this.#params({ call_id: call.callId, ...members }));
    return { permit: parseDecision(result, call), result };
  }

  #params(members: Fields): Fields {
    const params: Fields = { session: this.id, ...(this.#agentId ? { agent: this.#agentId } : {}), ...members };
    return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined));
  }
}
