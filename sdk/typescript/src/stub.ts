/**
 * `StubTransport`: scripted verdicts for tests of your own agent, without a daemon.
 *
 * It is no policy engine: it answers what the test says, keeps what it was asked, and denies what nobody
 * scripted.
 */

import { encodeJson } from "./arguments.js";
import { DaemonUnreachable } from "./errors.js";
import type { Transport } from "./transport.js";
import type { Fields } from "./wire.js";

/** One `govern` request as the daemon would have seen it, and the scripted effect. */
export interface RecordedCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly effect: "PERMIT" | "DENY" | "DEFER";
  readonly actionId: string;
  readonly callId: string;
  readonly agentId: string;
  readonly sessionId: string;
  readonly requestId: string;
}

/** Which calls a script is about, and what their denial says. */
export interface Script {
  readonly reason?: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test knows its own arguments
  readonly when?: (args: any) => boolean;
  /** More members of the reply, in the words of the wire. */
  readonly fields?: Fields;
}

interface Approval {
  readonly key: string;
  status: "pending" | "approved" | "denied" | "expired";
  reason: string;
}

/** Give it as `transport`; the last script that matches decides. */
export class StubTransport implements Transport {
  readonly calls: RecordedCall[] = [];
  readonly outcomes: Fields[] = [];
  /** `false` takes the daemon away. */
  reachable = true;
  readonly #scripts: { matches: (tool: string, args: unknown) => boolean; effect: RecordedCall["effect"]; fields: Fields }[] = [];
  readonly #approvals = new Map<string, Approval>();

  /** Permits tools that match the pattern (`*` stands for anything). */
  permit(pattern = "*", script: Script = {}): this {
    return this.#script(pattern, script, "PERMIT", {});
  }

  /** Denies them. */
  deny(pattern = "*", script: Script = {}): this {
    const resolution = { type: "rule_block", rule_id: "stub" };
    return this.#script(pattern, script, "DENY", {
      code: "POLICY_DENY",
      resolution,
      human_message: script.reason ?? "denied by the test",
    });
  }

  /** Defers them until `approve` or `refuse`. */
  defer(pattern = "*", script: Script = {}): this {
    return this.#script(pattern, script, "DEFER", {
      code: "POLICY_DEFER",
      human_message: script.reason ?? "deferred by the test",
      retryable: true,
    });
  }

  /** Approves: the next call with the same tool and arguments is permitted, once. */
  approve(approvalId: string): void {
    this.#approval(approvalId).status = "approved";
  }

  /** Refuses, as an operator's `approvals deny` would. */
  refuse(approvalId: string, reason = "refused by the test"): void {
    Object.assign(this.#approval(approvalId), { status: "denied", reason });
  }

  /** The approvals that nobody answered yet, oldest first. */
  get pending(): string[] {
    return [...this.#approvals].filter(([, { status }]) => status === "pending").map(([id]) => id);
  }

  async request(method: string, params: Fields): Promise<Fields> {
    if (!this.reachable) {
      throw new DaemonUnreachable({
        code: "DAEMON_UNREACHABLE",
        humanMessage: "the stub was told to be unreachable; the tool was not run",
        tool: String(params["tool"] ?? ""),
      });
    }
    return method === "govern" ? this.#govern(params) : this.#poll(params);
  }

  tell(_method: string, params: Fields): void {
    this.outcomes.push({ ...params });
  }

  close(): void {
    // Nothing is open.
  }

  #script(pattern: string, script: Script, effect: RecordedCall["effect"], fields: Fields): this {
    const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const expression = new RegExp(`^${parts.join(".*")}$`, "s");
    const matches = (tool: string, args: unknown): boolean =>
      expression.test(tool) && (script.when?.(args) ?? true);
    this.#scripts.push({ matches, effect, fields: { ...fields, ...script.fields } });
    return this;
  }

  #govern(params: Fields): Fields {
    const tool = String(params["tool"]);
    const args = params["args"];
    const script = this.#scripts.findLast(({ matches }) => matches(tool, args));
    let effect = script?.effect ?? "DENY";
    let fields = script?.fields ?? { code: "POLICY_DENY", human_message: "not scripted" };
    if (effect === "DEFER") [effect, fields] = this.#deferred(`${tool} ${encodeJson(args)}`, fields);
    const text = (name: string): string => String(params[name] ?? "");
    const call: RecordedCall = {
      tool,
      args: args as RecordedCall["args"],
      effect,
      actionId: `dpr-stub-${this.calls.length + 1}`,
      callId: text("call_id"),
      agentId: text("agent"),
      sessionId: text("session"),
      requestId: text("request_id"),
    };
    this.calls.push(call);
    return { ...fields, effect, action_id: call.actionId, call_id: call.callId };
  }

  #deferred(key: string, fields: Fields): [RecordedCall["effect"], Fields] {
    let waiting = "";
    for (const [id, approval] of this.#approvals) {
      if (approval.key !== key) continue;
      if (approval.status === "approved") {
        approval.status = "expired";
        return ["PERMIT", {}];
      }
      if (approval.status === "denied") return ["DENY", { code: "POLICY_DENY", human_message: approval.reason }];
      if (approval.status === "pending") waiting = id;
    }
    if (!waiting) {
      waiting = `apr-stub-${this.#approvals.size + 1}`;
      this.#approvals.set(waiting, { key, status: "pending", reason: "" });
    }
    const resolution = { type: "pending_approval", approval_id: waiting };
    return ["DEFER", { ...fields, approval_id: waiting, defer_token: waiting, resolution }];
  }

  #poll(params: Fields): Fields {
    const token = String(params["defer_token"] ?? "");
    const { status, reason } = this.#approvals.get(token) ?? { status: "unknown", reason: "" };
    return { defer_token: token, status, reason };
  }

  #approval(id: string): Approval {
    const approval = this.#approvals.get(id);
    if (!approval) throw new RangeError(`no approval \`${id}\``);
    return approval;
  }
}
