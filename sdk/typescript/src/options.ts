/**
 * The options of `governedTools` and `governed`, and the enforcers made of them.
 *
 * What a framework does with an error differs, so the defaults of `onDeny` and `onDefer` do too; what the
 * caller says counts everywhere.
 */

import type { Manners, OnDefer, OnDeny } from "./asking.js";
import { Enforcer } from "./enforcement.js";
import type { Measure } from "./measuring.js";
import { agentIdOf, sessionIdOf, timeoutOf } from "./settings.js";
import { openTransport, type Transport } from "./transport.js";
import type { Fields } from "./wire.js";

/** How calls are asked about, and what a refusal does. */
export interface GovernOptions {
  /** The agent; `FARAMESH_AGENT_ID`, else the daemon knows it by its process. */
  readonly agentId?: string;
  /** The session; `FARAMESH_SESSION_ID`, else the daemon's own notion of one. */
  readonly sessionId?: string;
  /** The token of the delegation that the calls are made under, from `Session.delegate` of another agent. */
  readonly delegation?: string;
  /** Facts about who the agent acts for, for conditions on `principal`. */
  readonly principal?: Fields;
  /** Labels that stand in the record. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The policy's names of tools by their own: `{ refund: "stripe/refund" }`. */
  readonly names?: Readonly<Record<string, string>>;
  /** Arguments that your code fills in and the policy must not see. */
  readonly hideArgs?: readonly string[];
  /** Says of a result what it cost, for the budgets of the policy. */
  readonly measure?: Measure;
  /** What a denied call does; the default depends on the framework. */
  readonly onDeny?: OnDeny;
  /** What a deferred call does; the default depends on the framework. */
  readonly onDefer?: OnDefer;
  /** How long `"block"` waits for a person, in milliseconds; 900 000. */
  readonly approvalTimeoutMs?: number;
  /** How long one decision may take, in milliseconds; `FARAMESH_TIMEOUT_MS`, else 5000. */
  readonly timeoutMs?: number;
  /** The daemon's Unix socket (Node); else it is found as the README says. */
  readonly socket?: string;
  /** The daemon's HTTP door; needed where there are no Unix sockets. */
  readonly url?: string;
  /** The bearer token for it. */
  readonly token?: string;
  /** Another way to the daemon, instead of `socket`, `url` and `token`. */
  readonly transport?: Transport;
}

/** What a refusal does where the caller did not say. */
export type Defaults = Pick<Manners, "onDeny" | "onDefer">;

/** The error comes out: of your call, or as the framework hands errors of tools to the model. */
export const THROWN: Defaults = { onDeny: "throw", onDefer: "throw" };

/** The model reads the refusal as the tool's result. */
export const RETURNED: Defaults = { onDeny: "return", onDefer: "return" };

/** The options as they hold for one set of tools. */
export class Settings {
  readonly names: Readonly<Record<string, string>>;
  readonly hidden: ReadonlySet<string>;
  readonly #options: GovernOptions;
  readonly #transport: Transport;
  readonly #enforcers = new Map<Defaults, Enforcer>();

  constructor(options: GovernOptions) {
    this.#options = options;
    this.names = options.names ?? {};
    this.hidden = new Set(options.hideArgs ?? []);
    this.#transport = transportOf(options);
  }

  /** The enforcer for tools of one kind. */
  enforcer(defaults: Defaults): Enforcer {
    const made = this.#enforcers.get(defaults) ?? this.#enforcer(defaults);
    this.#enforcers.set(defaults, made);
    return made;
  }

  /** The arguments without those that the policy must not see. */
  visible(args: unknown): unknown {
    if (this.hidden.size === 0 || typeof args !== "object" || args === null || Array.isArray(args)) return args;
    return Object.fromEntries(Object.entries(args).filter(([name]) => !this.hidden.has(name)));
  }

  #enforcer(defaults: Defaults): Enforcer {
    const options = this.#options;
    const caller = {
      transport: this.#transport,
      timeoutMs: options.timeoutMs,
      agentId: agentIdOf(options.agentId),
      sessionId: sessionIdOf(options.sessionId),
      delegation: options.delegation ?? "",
      principal: options.principal ?? {},
      tags: options.tags ?? {},
      measure: options.measure,
    };
    return new Enforcer(caller, {
      onDeny: options.onDeny ?? defaults.onDeny,
      onDefer: options.onDefer ?? defaults.onDefer,
      approvalTimeoutMs: options.approvalTimeoutMs ?? 900_000,
    });
  }
}

function transportOf({ transport, socket, url, token, timeoutMs }: GovernOptions): Transport {
  if (timeoutMs !== undefined) timeoutOf(timeoutMs);
  if (!transport) return openTransport({ socket, url, token, timeoutMs });
  if (socket !== undefined || url !== undefined || token !== undefined) {
    throw new TypeError("give `transport`, or `socket` or `url` with `token`, not both");
  }
  return transport;
}
