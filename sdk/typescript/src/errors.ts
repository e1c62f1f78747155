/**
 * The errors that stand where a tool's result would have been.
 *
 * Whatever keeps a tool from running is a `ToolDeniedError`, so one `catch` fails closed.
 * Texts here never hold argument values.
 */

import type { NoResolution, Resolution } from "./resolution.js";

/** What an error is made of; what is left out is empty. */
export interface DenialFields {
  readonly effect?: "DENY" | "DEFER";
  readonly code?: string;
  readonly humanMessage?: string;
  readonly ruleRef?: string;
  readonly ruleId?: string;
  readonly actionId?: string;
  readonly callId?: string;
  readonly retryable?: boolean;
  readonly resolution?: Resolution;
  readonly deferToken?: string;
  readonly approvalId?: string;
  readonly next?: string;
  readonly policyVersion?: string;
  readonly tool?: string;
  readonly agentId?: string;
}

const BRAND: unique symbol = Symbol.for("@faramesh/sdk.denied") as never;
const NONE: NoResolution = { type: "none" };

/**
 * The tool did not run.
 *
 * `code` is stable and meant for programs; `humanMessage` is the reason in the words of the policy;
 * `ruleRef` is the place of the rule (`governance.fms:12`); `next` is the smallest change that would
 * alter the verdict, when the daemon could compute one.
 */
export class ToolDeniedError extends Error {
  /** `"DENY"`, or `"DEFER"` while a person may still answer. */
  readonly effect: "DENY" | "DEFER";
  readonly code: string;
  readonly humanMessage: string;
  readonly ruleRef: string;
  readonly ruleId: string;
  /** The record of the decision, for `faramesh explain`. */
  readonly actionId: string;
  readonly callId: string;
  /** Whether the same call may pass later by itself. */
  readonly retryable: boolean;
  readonly resolution: Resolution;
  /** What a person answers, for a deferred call. */
  readonly approvalId: string;
  readonly deferToken: string;
  readonly next: string;
  readonly policyVersion: string;
  readonly tool: string;
  readonly agentId: string;

  constructor(fields: DenialFields = {}, options?: ErrorOptions) {
    const resolution = fields.resolution ?? NONE;
    const waitsFor = resolution.type === "pending_approval" ? resolution.approvalId : "";
    const deferToken = fields.deferToken || fields.approvalId || waitsFor;
    const approvalId = fields.approvalId || deferToken;
    super(describe({ ...fields, approvalId }), options);
    this.name = new.target.name;
    this.effect = fields.effect ?? "DENY";
    this.code = fields.code ?? "";
    this.humanMessage = fields.humanMessage ?? "";
    this.ruleRef = fields.ruleRef ?? "";
    this.ruleId = fields.ruleId ?? "";
    this.actionId = fields.actionId ?? "";
    this.callId = fields.callId ?? "";
    this.retryable = fields.retryable ?? false;
    this.resolution = resolution;
    this.approvalId = approvalId;
    this.deferToken = deferToken;
    this.next = fields.next ?? "";
    this.policyVersion = fields.policyVersion ?? "";
    this.tool = fields.tool ?? "";
    this.agentId = fields.agentId ?? "";
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Every field as plain JSON values, for logs of your own or a model's eyes. */
  toJSON(): Required<DenialFields> {
    return {
      effect: this.effect,
      code: this.code,
      humanMessage: this.humanMessage,
      ruleRef: this.ruleRef,
      ruleId: this.ruleId,
      actionId: this.actionId,
      callId: this.callId,
      retryable: this.retryable,
      resolution: this.resolution,
      deferToken: this.deferToken,
      approvalId: this.approvalId,
      next: this.next,
      policyVersion: this.policyVersion,
      tool: this.tool,
      agentId: this.agentId,
    };
  }
}

/** The call waits for a person; `approvalId` names what they answer. */
export class ToolDeferredError extends ToolDeniedError {}

/** No daemon answered, so the tool did not run. Code `DAEMON_UNREACHABLE`. */
export class DaemonUnreachable extends ToolDeniedError {}

/** The daemon took longer than `timeoutMs`. Code `DAEMON_TIMEOUT`. */
export class DaemonTimeout extends DaemonUnreachable {}

/** The reply was an error or could not be trusted. Code `DAEMON_PROTOCOL_ERROR`. */
export class DaemonProtocolError extends ToolDeniedError {}

/** The arguments cannot be shown to the policy. Code `ARGUMENTS_INVALID`. */
export class ArgumentsInvalid extends ToolDeniedError {}

/** Whether a tool did not run because of Faramesh, also for errors of another copy of this package. */
export function isToolDenied(error: unknown): error is ToolDeniedError {
  return typeof error === "object" && error !== null && BRAND in error;
}

/** The same error with what it lacks filled in. */
export function about<Denial extends ToolDeniedError>(error: Denial, fields: DenialFields): Denial {
  const known = Object.entries(error.toJSON()).filter(([, value]) => value !== "");
  const kind = error.constructor as new (fields: DenialFields, options?: ErrorOptions) => Denial;
  const cause = error.cause === undefined ? undefined : { cause: error.cause };
  return new kind({ ...fields, ...Object.fromEntries(known) }, cause);
}

function describe(fields: DenialFields): string {
  const deferred = fields.effect === "DEFER";
  let text = `${fields.tool || "tool call"} ${deferred ? "deferred" : "denied"}`;
  if (fields.humanMessage) text += `: ${fields.humanMessage}`;
  if (fields.next) text += ` (the verdict changes if ${fields.next})`;
  if (deferred && fields.approvalId) text += `; waits for approval ${fields.approvalId}`;
  const place = [fields.code, fields.ruleRef, fields.actionId].filter(Boolean).join(", ");
  return place ? `${text} [${place}]` : text;
}
