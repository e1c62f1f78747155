/**
 * What would let a refused call through, as one type per case.
 *
 * `type` is the discriminant and has the words of the wire; a type that this version does not know
 * comes as `other` with the fields as they were sent. Reading never fails.
 */

/** A rule refuses the call; only another call or another policy changes that. */
export interface RuleBlock {
  readonly type: "rule_block";
  readonly ruleId: string;
}

/** A person has to answer the approval first. */
export interface PendingApproval {
  readonly type: "pending_approval";
  readonly approvalId: string;
}

/** The same call may pass after this many seconds. */
export interface RetryAfter {
  readonly type: "retry_after";
  readonly retryAfterSeconds: number;
}

/** The budget is spent until this RFC 3339 instant. */
export interface BudgetReset {
  readonly type: "budget_reset";
  readonly resetsAt: string;
}

/** The task cannot complete while these approvals wait. */
export interface PendingApprovals {
  readonly type: "pending_approvals";
  readonly approvalIds: readonly string[];
}

/** The task cannot complete until these requirements hold. */
export interface Unmet {
  readonly type: "unmet";
  readonly requirements: readonly string[];
}

/** Only an operator can lift this: the agent or its session was stopped. */
export interface Operator {
  readonly type: "operator";
}

/** A resolution that this version does not know: `name` is the wire's `type`. */
export interface OtherResolution {
  readonly type: "other";
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The daemon named none, or there was no daemon to name one. */
export interface NoResolution {
  readonly type: "none";
}

export type Resolution =
  | RuleBlock
  | PendingApproval
  | RetryAfter
  | BudgetReset
  | PendingApprovals
  | Unmet
  | Operator
  | OtherResolution
  | NoResolution;

/** The typed form of a reply's `resolution`. */
export function parseResolution(value: unknown): Resolution {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { type: "none" };
  }
  const fields = value as Record<string, unknown>;
  const name = text(fields["type"]);
  switch (name) {
    case "rule_block":
      return { type: name, ruleId: text(fields["rule_id"]) };
    case "pending_approval":
      return { type: name, approvalId: text(fields["approval_id"]) };
    case "retry_after":
      return { type: name, retryAfterSeconds: seconds(fields["retry_after_seconds"]) };
    case "budget_reset":
      return { type: name, resetsAt: text(fields["resets_at"]) };
    case "pending_approvals":
      return { type: name, approvalIds: texts(fields["approval_ids"]) };
    case "unmet":
      return { type: name, requirements: texts(fields["requirements"]) };
    case "operator":
      return { type: name };
    default:
      return { type: "other", name, fields };
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function seconds(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
