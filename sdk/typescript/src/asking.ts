/**
 * From a call to a permit, including the wait for a person.
 *
 * `ask` resolves to a permit or to a stand-in for the tool's result, or rejects; it never permits because
 * of an error. Every loop has a bound: 8 rounds of deferral, `approvalTimeoutMs` of waiting, 30 seconds of
 * a daemon that is away meanwhile.
 */

import { DaemonProtocolError, DaemonUnreachable, ToolDeferredError, ToolDeniedError } from "./errors.js";
import type { RequestOptions, Transport } from "./transport.js";
import { type ApprovalStatus, type Call, governParams, parseApproval, parseDecision, type Permit } from "./wire.js";

/** What an `onDefer` function returns to wait for the person's answer. */
export const WAIT: unique symbol = Symbol.for("@faramesh/sdk.WAIT") as never;

/**
 * What a deferred call does: `"throw"`, `"block"` until a person answered, `"return"` the refusal as the
 * tool's result, or what a function says: `WAIT` waits, `undefined` throws, anything else is the result.
 */
export type OnDefer = "throw" | "block" | "return" | ((deferred: ToolDeferredError) => unknown);

/** What a denied call does: `"throw"`, `"return"` the refusal as the tool's result, or a function's answer. */
export type OnDeny = "throw" | "return" | ((denial: ToolDeniedError) => unknown);

/** What to do with a refusal. `approvalTimeoutMs` bounds a wait for a person. */
export interface Manners {
  readonly onDefer: OnDefer;
  readonly onDeny: OnDeny;
  readonly approvalTimeoutMs: number;
}

/** A permit, or what the caller gets in place of the tool's result while the tool does not run. */
export type Answer = { readonly permit: Permit } | { readonly instead: unknown };

/** What asking needs beside the call. */
export interface Asking {
  readonly transport: Transport;
  readonly manners: Manners;
  readonly options: RequestOptions;
  /** The deferral that this same call of the framework met before. */
  readonly earlier?: ToolDeferredError | undefined;
  /** Told every refusal by the daemon, so that it is not asked for again. */
  readonly remember: (denial: ToolDeniedError) => void;
}

/** Timings in milliseconds; tests shorten them. */
export const pace = { pollMs: 20_000, shortestPollMs: 200, graceMs: 5_000, outageMs: 30_000, pauseMs: 1_000 };

const MAX_ROUNDS = 8;

/** Checks the options at the time they are given, not at the first refusal. */
export function checkManners(manners: Manners): Manners {
  const { onDefer, onDeny, approvalTimeoutMs } = manners;
  if (typeof onDefer !== "function" && !["throw", "block", "return"].includes(onDefer)) {
    throw new TypeError(`\`onDefer\` is "throw", "block", "return" or a function, not ${String(onDefer)}`);
  }
  if (typeof onDeny !== "function" && !["throw", "return"].includes(onDeny)) {
    throw new TypeError(`\`onDeny\` is "throw", "return" or a function, not ${String(onDeny)}`);
  }
  if (!(approvalTimeoutMs > 0)) throw new RangeError("`approvalTimeoutMs` must be more than 0");
  return manners;
}

/** Asks about one call; see the file's text. */
export async function ask(call: Call, asking: Asking): Promise<Answer> {
  try {
    return await decided(call, asking);
  } catch (problem) {
    return refuse(problem, asking.manners);
  }
}

/** Applies `onDeny` to what kept a call from running; what no policy said is thrown as it is. */
export async function refuse(problem: unknown, manners: Manners): Promise<Answer> {
  const spoken =
    problem instanceof ToolDeniedError &&
    !(problem instanceof ToolDeferredError) &&
    !(problem instanceof DaemonUnreachable) &&
    !(problem instanceof DaemonProtocolError);
  if (!spoken || manners.onDeny === "throw") throw problem;
  if (manners.onDeny === "return") return { instead: problem.message };
  const answer: unknown = await manners.onDeny(problem);
  if (answer === undefined) throw problem;
  return { instead: answer };
}

async function decided(first: Call, asking: Asking): Promise<Answer> {
  const { manners } = asking;
  let call = first;
  let deferred: ToolDeferredError | undefined;
  if (asking.earlier) {
    if (await isPending(asking.earlier, asking)) deferred = asking.earlier;
    call = again(call, asking.earlier.callId);
  }
  let deadline: number | undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (!deferred) {
      const met = await govern(call, asking);
      if (!(met instanceof ToolDeferredError)) return { permit: met };
      deferred = met;
    }
    if (deadline === undefined) {
      const answer = await consult(deferred, manners);
      if (answer === undefined) throw deferred;
      if (answer !== WAIT) return { instead: answer };
      deadline = performance.now() + manners.approvalTimeoutMs;
    }
    await approved(deferred, deadline, asking);
    // A repeated `call_id` would be answered with the old defer; `request_id` ties the two.
    call = again(call, call.callId);
    deferred = undefined;
  }
  throw unanswered(deferred ?? new ToolDeferredError({ tool: call.tool, effect: "DEFER" }), manners);
}

async function govern(call: Call, asking: Asking): Promise<Permit | ToolDeferredError> {
  const result = await asking.transport.request("govern", governParams(call), asking.options);
  try {
    return parseDecision(result, call);
  } catch (problem) {
    const decision = problem instanceof ToolDeniedError && !(problem instanceof DaemonProtocolError);
    if (decision) asking.remember(problem);
    if (problem instanceof ToolDeferredError) return problem;
    throw problem;
  }
}

function again(call: Call, before: string): Call {
  return { ...call, callId: crypto.randomUUID(), requestId: call.requestId || before };
}

async function consult(deferred: ToolDeferredError, { onDefer }: Manners): Promise<unknown> {
  if (onDefer === "return") return deferred.message;
  if (onDefer === "block") return WAIT;
  return onDefer === "throw" ? undefined : await onDefer(deferred);
}

async function isPending(deferred: ToolDeferredError, asking: Asking): Promise<boolean> {
  if (!deferred.deferToken) return false;
  return (await poll(deferred, 1, asking)).status === "pending";
}

async function poll(deferred: ToolDeferredError, waitMs: number, asking: Asking): Promise<ApprovalStatus> {
  const params = { defer_token: deferred.deferToken, wait_ms: Math.max(1, Math.floor(waitMs)) };
  const options = { ...asking.options, timeoutMs: waitMs + pace.graceMs };
  return parseApproval(await asking.transport.request("poll_defer", params, options));
}

/** Resolves when approved; rejects when denied, expired, or out of time. */
async function approved(deferred: ToolDeferredError, deadline: number, asking: Asking): Promise<void> {
  if (!deferred.deferToken) throw deferred;
  let outageEnds: number | undefined;
  for (let left = deadline - performance.now(); left > 0; left = deadline - performance.now()) {
    const asked = performance.now();
    let approval: ApprovalStatus;
    try {
      approval = await poll(deferred, Math.min(left, pace.pollMs), asking);
    } catch (problem) {
      if (!(problem instanceof DaemonUnreachable)) throw problem;
      // Approvals survive a restart of the daemon; give it time to come back.
      outageEnds ??= asked + pace.outageMs;
      if (performance.now() >= outageEnds) throw problem;
      await sleep(Math.min(pace.pauseMs, left), asking.options.signal);
      continue;
    }
    outageEnds = undefined;
    if (approval.status === "approved") return;
    if (approval.status !== "pending") throw refused(deferred, approval);
    const early = pace.shortestPollMs - (performance.now() - asked);
    if (early > 0) await sleep(early, asking.options.signal);
  }
  throw unanswered(deferred, asking.manners);
}

function refused(deferred: ToolDeferredError, { status, reason }: ApprovalStatus): ToolDeniedError {
  const words: Record<string, string> = {
    denied: reason ? `a person denied it: ${reason}` : "a person denied it",
    expired: "nobody answered before the approval expired",
  };
  return new ToolDeniedError({
    ...deferred.toJSON(),
    effect: "DENY",
    code: `APPROVAL_${status.toUpperCase()}`,
    humanMessage: words[status] ?? "the daemon does not know this approval",
    retryable: status !== "denied",
    next: "",
  });
}

function unanswered(deferred: ToolDeferredError, manners: Manners): ToolDeferredError {
  const seconds = manners.approvalTimeoutMs / 1000;
  return new ToolDeferredError({
    ...deferred.toJSON(),
    humanMessage: `${deferred.humanMessage} (no answer within ${seconds} seconds)`,
  });
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    };
    const aborted = (): void => {
      end();
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      end();
      resolve();
    }, ms);
    signal?.addEventListener("abort", aborted, { once: true });
    return undefined;
  });
}
