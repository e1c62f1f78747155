/** A stack in a temporary folder with a real daemon in front of it, and its operator. */

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const START_MS = 20_000;
const STOP_MS = 10_000;
const COMMAND_MS = 30_000;

export const POLICY = `\
agent "support-bot" {
  default deny
  rules {
    permit knowledgebase/search
    permit stripe/refund if amount < $500
    defer  stripe/refund if amount < $10000 reason "refunds of $500 and more need a person"
    deny   stripe/refund reason "refunds of $10,000 and more go through finance"
    deny   stripe/payouts reason "payouts are made by finance, never by an agent"
    deny!  shell/* reason "no shell, ever"
  }
  redact stripe/refund args: ["card.number"]
}
`;

/** Each refund of 80 is within the rules, and the second one of a day is more than is left. */
export const BUDGET = `\
agent "support-bot" {
  default deny
  rules { permit stripe/refund if amount < $500 }
  budget daily { max $100  tools ["stripe/refund"]  cost amount }
}
`;

/** The effect and the code of what two refunds come to under BUDGET. */
export const OVER_BUDGET = [
  ["permit", "POLICY_PERMIT"],
  ["deny", "BUDGET_EXCEEDED"],
];

/** What a test has to say who it is. */
export const WHO = { agentId: "support-bot", names: { refund: "stripe/refund" } } as const;

export interface DprRecord {
  readonly id: string;
  readonly kind: string;
  readonly parent?: string;
  readonly call_id?: string;
  readonly request_id?: string;
  readonly session?: string;
  readonly tool?: string;
  readonly args?: unknown;
  readonly effect?: string;
  readonly code?: string;
  readonly detail?: { readonly status?: string; readonly error?: string };
}

/** The `faramesh` under test. */
export function binary(): string {
  const given = process.env["FARAMESH_BIN"];
  if (!given) throw new Error("FARAMESH_BIN names no binary; start the tests with tests/sdk/typescript/run");
  return resolve(given);
}

/** A daemon on this policy, stopped after the test; `apply` keeps its ledger on disk. */
export async function startStack(t: TestContext, policy = POLICY, command: "dev" | "apply" = "dev"): Promise<Stack> {
  // A Unix socket's path is limited to about 100 bytes.
  const folder = mkdtempSync(join(tmpdir(), "fm-"));
  const stack = new Stack(folder, policy, command);
  t.after(async () => {
    await stack.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await stack.start();
  return stack;
}

/** One governance.fms, one `faramesh dev`, and commands that act on them. */
export class Stack {
  readonly socket: string;
  readonly log: string;
  #process: ChildProcess | undefined;

  constructor(
    readonly folder: string,
    policy: string,
    readonly kind: "dev" | "apply",
  ) {
    this.socket = join(folder, "agent.sock");
    this.log = join(folder, "daemon.log");
    const runtime = `runtime { socket = "${this.socket}" `;
    // A policy has one `runtime` block; the socket goes into the one that is there.
    const own = policy.replace(/^runtime \{/m, runtime);
    // At the end, so that the lines of the rules stay what they are.
    writeFileSync(join(folder, "governance.fms"), own === policy ? `${policy}\n${runtime}}\n` : own);
  }

  /** Starts the daemon and resolves once it takes connections. */
  async start(): Promise<void> {
    const log = openSync(this.log, "a");
    const command = this.kind === "dev" ? ["dev"] : ["apply", "--foreground"];
    this.#process = spawn(binary(), [...command, "--dir", this.folder, "--format", "json"], {
      stdio: ["ignore", log, log],
      env: this.environment(),
    });
    closeSync(log);
    for (const deadline = Date.now() + START_MS; !(await this.#answers()); ) {
      if (this.#process.exitCode !== null) throw new Error(`the daemon ended at once:\n${this.#said()}`);
      if (Date.now() > deadline) throw new Error(`the daemon did not start:\n${this.#said()}`);
      await sleep(20);
    }
  }

  /** Asks the daemon to end, as an operator's ctrl-c does, and insists that it does. */
  async stop(): Promise<void> {
    const ended = await this.#end("SIGTERM");
    if (!ended) {
      await this.kill();
      throw new Error("the daemon did not end on SIGTERM");
    }
  }

  /** Ends the daemon as a crash would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Keeps the daemon from running while its socket stays open. */
  freeze(): void {
    const pid = this.#process?.pid;
    this.#process?.kill("SIGSTOP");
    // The signal is on its way for a moment, in which a call can still be answered.
    const threads = `/proc/${pid}/task`;
    const runs = (thread: string) => !/\) [Tt] /.test(readFileSync(join(threads, thread, "stat"), "utf8"));
    const until = Date.now() + 1000;
    while (existsSync(threads) && readdirSync(threads).some(runs) && Date.now() < until);
  }

  /** For commands and clients: nothing of the person's Faramesh. */
  environment(): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("FARAMESH_"));
    return { ...Object.fromEntries(kept), HOME: this.folder, NO_COLOR: "1" };
  }

  /** Runs `faramesh ARGUMENTS` on this stack; what it printed. */
  command(...args: string[]): Promise<string> {
    const options = { timeout: COMMAND_MS, env: this.environment(), maxBuffer: 64 * 1024 * 1024 };
    return new Promise((done, fail) => {
      execFile(binary(), [...args, "--dir", this.folder], options, (problem, out, said) => {
        if (problem) fail(new Error(`${args.join(" ")}: ${problem.message}\n${out}${said}`));
        else done(out);
      });
    });
  }

  /** The approvals that wait. */
  async pending(): Promise<{ id: string; tool: string; args: Record<string, unknown> }[]> {
    const listed = JSON.parse(await this.command("approvals", "list", "--format", "json"));
    return listed.approvals.filter((approval: { status: string }) => approval.status === "pending");
  }

  /** The first approval, once there is one. */
  async waitForPending(): Promise<string> {
    for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(50)) {
      const [first] = await this.pending();
      if (first) return first.id;
    }
    throw new Error("no approval is waiting");
  }

  async approve(id: string): Promise<void> {
    await this.command("approvals", "approve", id, "--reason", "spoke to the customer");
  }

  async deny(id: string, reason: string): Promise<void> {
    await this.command("approvals", "deny", id, "--reason", reason);
  }

  /** The lines of the ledger of one kind. */
  async lines(kind: string): Promise<string[]> {
    const all = (await this.command("audit", "ls", "--format", "jsonl")).split("\n").filter(Boolean);
    return all.filter((line) => JSON.parse(line).kind === kind);
  }

  /** The records of one kind. */
  async records(kind: string): Promise<DprRecord[]> {
    return (await this.lines(kind)).map((line) => JSON.parse(line));
  }

  /** The records of one kind, once there are that many: outcomes are reported without being waited for. */
  async waitForRecords(kind: string, count: number): Promise<DprRecord[]> {
    for (const deadline = Date.now() + 5000; ; await sleep(50)) {
      const found = await this.records(kind);
      if (found.length >= count) return found;
      if (Date.now() > deadline) throw new Error(`${found.length} records of kind ${kind}, not ${count}`);
    }
  }

  async #end(signal: NodeJS.Signals): Promise<boolean> {
    const daemon = this.#process;
    this.#process = undefined;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return true;
    const ended = new Promise((done) => daemon.once("exit", () => done(true)));
    daemon.kill(signal);
    // A frozen process meets the signal once it runs again.
    daemon.kill("SIGCONT");
    const inTime = await Promise.race([ended, sleep(STOP_MS, false, { ref: false })]);
    if (!inTime) this.#process = daemon;
    return inTime === true;
  }

  #answers(): Promise<boolean> {
    // Commands find the daemon by the file, which it writes once both of its doors are open.
    const files = [this.socket, join(this.folder, ".faramesh", "runtime", "agent.env")];
    if (!files.every((file) => existsSync(file))) return Promise.resolve(false);
    return new Promise((done) => {
      const probe = connect(this.socket, () => {
        probe.destroy();
        done(true);
      });
      probe.on("error", () => done(false));
    });
  }

  #said(): string {
    return readFileSync(this.log, "utf8");
  }
}
