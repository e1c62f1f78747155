/**
 * Requests and replies of the daemon, as values. No input or output.
 *
 * INVARIANT: a reply permits only if it says exactly that, names its record, and answers the call
 * that was sent; everything else becomes an error.
 */

import { DaemonProtocolError, ToolDeferredError, ToolDeniedError } from "./errors.js";
import { parseResolution } from "./resolution.js";

/** The longest line or body that either side may send, in bytes. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** An object of a reply or request, in plain JSON values. */
export type Fields = Readonly<Record<string, unknown>>;

/** One tool call to be decided. `args` are plain JSON values, and `bigint` for exact integers. */
export interface Call {
  readonly tool: string;
  readonly args: unknown;
  readonly callId: string;
  readonly agentId?: string;
  readonly sessionId?: string;
  readonly requestId?: string;
  readonly principal?: Fields;
  readonly tags?: Readonly<Record<string, string>>;
  readonly delegation?: string;
}

/** A warning that came beside a permit, such as `BUDGET_WARNING`. */
export interface DecisionWarning {
  readonly code: string;
  readonly message: string;
}

/** The daemon's leave to run one call. `enforced` is false in audit mode. */
export interface Permit {
  readonly actionId: string;
  readonly callId: string;
  readonly policyVersion: string;
  readonly enforced: boolean;
  readonly warnings: readonly DecisionWarning[];
}

/** What became of a deferred call. */
export interface ApprovalStatus {
  readonly status: "pending" | "approved" | "denied" | "expired" | "unknown";
  readonly reason: string;
}

/** The `params` of a `govern` request; what is empty is not sent. */
export function governParams(call: Call): Fields {
  const params: Record<string, unknown> = { tool: call.tool, args: call.args, call_id: call.callId };
  if (call.agentId) params["agent"] = call.agentId;
  if (call.sessionId) params["session"] = call.sessionId;
  if (call.requestId) params["request_id"] = call.requestId;
  if (call.principal && Object.keys(call.principal).length > 0) params["principal"] = call.principal;
  if (call.tags && Object.keys(call.tags).length > 0) params["tags"] = call.tags;
  if (call.delegation) params["delegation"] = call.delegation;
  return params;
}

/** The permit in `result`; throws a `ToolDeniedError` for anything else. */
export function parseDecision(result: Fields, call: Call): Permit {
  const effect = result["effect"];
  if (effect === "PERMIT") return permit(result, call);
  if (effect !== "DENY" && effect !== "DEFER") {
    throw protocolError("the reply has no effect that this SDK knows", call);
  }
  const kind = effect === "DEFER" ? ToolDeferredError : ToolDeniedError;
  throw new kind({
    effect,
    code: text(result, "code"),
    humanMessage: text(result, "human_message"),
    ruleRef: text(result, "rule_ref"),
    ruleId: text(result, "rule_id"),
    actionId: text(result, "action_id"),
    callId: text(result, "call_id") || call.callId,
    retryable: result["retryable"] === true,
    resolution: parseResolution(result["resolution"]),
    deferToken: text(result, "defer_token"),
    approvalId: text(result, "approval_id"),
    next: text(result, "next"),
    policyVersion: text(result, "policy_version"),
    tool: call.tool,
    agentId: call.agentId ?? "",
  });
}

/** The status in a `poll_defer` result; an unknown word reads as `unknown`. */
export function parseApproval(result: Fields): ApprovalStatus {
  const status = text(result, "status");
  const known = status === "pending" || status === "approved" || status === "denied" || status === "expired";
  return { status: known ? status : "unknown", reason: text(result, "reason") };
}

/** A refusal because the daemon's words cannot be trusted. */
export function protocolError(problem: string, call?: Call): DaemonProtocolError {
  return new DaemonProtocolError({
    code: "DAEMON_PROTOCOL_ERROR",
    humanMessage: `${problem}; the tool was not run`,
    callId: call?.callId ?? "",
    tool: call?.tool ?? "",
    agentId: call?.agentId ?? "",
  });
}

/** Whether a parsed JSON value is an object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function permit(result: Fields, call: Call): Permit {
  const actionId = text(result, "action_id");
  if (!actionId) throw protocolError("the permit names no record", call);
  if ("call_id" in result && result["call_id"] !== call.callId) {
    throw protocolError("the permit is for another call", call);
  }
  const listed = Array.isArray(result["warnings"]) ? result["warnings"] : [];
  return {
    actionId,
    callId: call.callId,
    policyVersion: text(result, "policy_version"),
    enforced: result["enforced"] !== false,
    warnings: listed
      .filter(isFields)
      .map((item) => ({ code: text(item, "code"), message: text(item, "message") })),
  };
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}
