/**
 * The one place where the order *ask, run, report* is written.
 *
 * Every door (functions, the frameworks' tools) hands its call to an `Enforcer`. It runs the tool only after
 * a permit and reports how the tool ended. Argument values go to the daemon and nowhere else.
 */

import { encodeJson, toJsonValue } from "./arguments.js";
import { type Answer, ask, checkManners, type Manners, refuse } from "./asking.js";
import { about, ArgumentsInvalid } from "./errors.js";
import { FrameworkCalls, type Known } from "./framework-calls.js";
import { type Measure, measured } from "./measuring.js";
import { type Origin, personOf } from "./origin.js";
import { watched } from "./streams.js";
import type { RequestOptions, Transport } from "./transport.js";
import { warnOnce } from "./warn.js";
import type { Call, Fields, Permit } from "./wire.js";

/** Who asks, and through what. */
export interface Caller {
  readonly transport: Transport;
  readonly timeoutMs?: number | undefined;
  readonly agentId: string;
  readonly sessionId: string;
  readonly delegation?: string;
  readonly principal: Fields;
  readonly tags: Readonly<Record<string, string>>;
  readonly measure?: Measure | undefined;
}

interface Shown {
  readonly call: Call;
  readonly text: string;
}

/** Asks for one caller, with one way to take a refusal. */
export class Enforcer {
  readonly #caller: Caller;
  readonly #manners: Manners;
  readonly #calls = new FrameworkCalls();

  constructor(caller: Caller, manners: Manners) {
    this.#caller = caller;
    this.#manners = checkManners(manners);
  }

  /** What `execute` returns or throws, unchanged, if the call is permitted. `args` gives what the policy sees. */
  async run<Result>(
    tool: string,
    args: () => unknown,
    execute: () => Result,
    origin: Origin = {},
  ): Promise<Awaited<Result>> {
    let shown: Shown;
    try {
      shown = this.#show(tool, args, origin);
    } catch (problem) {
      return stoodIn(await refuse(problem, this.#manners));
    }
    const known = this.#known(shown, origin);
    if (known?.running) return known.running as Promise<Awaited<Result>>;
    const running = this.#run(shown, args, execute, origin, known);
    if (known) known.running = running;
    try {
      return await running;
    } finally {
      if (known) known.running = undefined;
    }
  }

  /** The same for a tool that gives its result bit by bit; a stand-in is its only bit. */
  async *stream<Item, Returned, Sent>(
    tool: string,
    args: () => unknown,
    execute: () => AsyncGenerator<Item, Returned, Sent>,
    origin: Origin = {},
  ): AsyncGenerator<Item, Returned, Sent> {
    let answer: Answer;
    let known: Known | undefined;
    try {
      const shown = this.#show(tool, args, origin);
      known = this.#known(shown, origin);
      answer = await this.#decide(shown, args, origin, known);
    } catch (problem) {
      if (!(problem instanceof ArgumentsInvalid)) throw problem;
      answer = await refuse(problem, this.#manners);
    }
    if ("instead" in answer) {
      yield answer.instead as Item;
      return undefined as Returned;
    }
    const end = this.#end(answer.permit, known);
    try {
      return yield* execute();
    } catch (error) {
      end({ error });
      throw error;
    } finally {
      end();
    }
  }

  async #run<Result>(
    shown: Shown,
    args: () => unknown,
    execute: () => Result,
    origin: Origin,
    known: Known | undefined,
  ): Promise<Awaited<Result>> {
    const answer = await this.#decide(shown, args, origin, known);
    if ("instead" in answer) return stoodIn(answer);
    const end = this.#end(answer.permit, known);
    try {
      const result = await execute();
      const error = origin.failureIn?.(result);
      if (error) end({ error });
      return watched(result, (problem) => end(problem, result));
    } catch (error) {
      end({ error });
      throw error;
    }
  }

  async #decide(shown: Shown, args: () => unknown, origin: Origin, known: Known | undefined): Promise<Answer> {
    if (known?.denial) return refuse(known.denial, this.#manners);
    const { timeoutMs, transport } = this.#caller;
    const options: RequestOptions = {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(origin.signal ? { signal: origin.signal } : {}),
    };
    const answer = await ask(shown.call, {
      transport,
      manners: this.#manners,
      options,
      earlier: known?.deferral,
      remember: (denial) => known?.refuse(denial),
    });
    if (!("permit" in answer)) return answer;
    for (const warning of answer.permit.warnings) warnOnce(`${warning.code}: ${warning.message}`);
    return this.#unchanged(shown, args, answer.permit) ?? answer;
  }

  /** A stand-in when the arguments are no longer what the daemon saw: then nothing may run. */
  #unchanged(shown: Shown, args: () => unknown, permit: Permit): Promise<Answer> | undefined {
    const same = ((): boolean => {
      try {
        return encodeJson(toJsonValue(args())) === shown.text;
      } catch {
        return false;
      }
    })();
    if (same) return undefined;
    const problem = new ArgumentsInvalid({
      code: "ARGUMENTS_INVALID",
      humanMessage: "the arguments were changed while the call was being decided; the tool was not run",
      tool: shown.call.tool,
      callId: shown.call.callId,
      agentId: shown.call.agentId ?? "",
      actionId: permit.actionId,
    });
    this.#report(permit, 0, { error: problem });
    return refuse(problem, this.#manners);
  }

  #show(tool: string, args: () => unknown, origin: Origin): Shown {
    const callId = crypto.randomUUID();
    const { agentId, sessionId, delegation, principal, tags } = this.#caller;
    const person = personOf(origin);
    let plain: unknown;
    try {
      plain = toJsonValue(args());
    } catch (problem) {
      const denial =
        problem instanceof ArgumentsInvalid
          ? problem
          : new ArgumentsInvalid({
              code: "ARGUMENTS_INVALID",
              humanMessage: "the arguments could not be read; the tool was not run",
            });
      throw about(denial, { tool, callId, agentId });
    }
    const call: Call = {
      tool,
      args: plain,
      callId,
      agentId,
      sessionId: person.sessionId || sessionId || person.thread,
      requestId: person.requestId,
      delegation: delegation ?? "",
      principal: { ...principal, ...person.principal },
      tags: { ...tags, ...person.tags },
    };
    return { call, text: encodeJson(plain) };
  }

  #known({ call, text }: Shown, { id }: Origin): Known | undefined {
    return id ? this.#calls.of(`${call.tool}\n${call.sessionId ?? ""}`, id, text) : undefined;
  }

  /** Reports the end of a run, at most once. */
  #end(permit: Permit, known: Known | undefined): (problem?: { readonly error: unknown }, result?: unknown) => void {
    const started = performance.now();
    let ended = false;
    return (problem, result) => {
      if (ended) return;
      ended = true;
      // The permit is used up: what comes again under this id is asked about.
      known?.forget();
      this.#report(permit, performance.now() - started, problem, result);
    };
  }

  #report(permit: Permit, durationMs: number, problem?: { readonly error: unknown }, result?: unknown): void {
    const params: Record<string, unknown> = {
      action_id: permit.actionId,
      status: "ok",
      duration_ms: Math.max(0, Math.round(durationMs)),
    };
    if (this.#caller.agentId) params["agent"] = this.#caller.agentId;
    Object.assign(params, problem ? {} : measured(result, this.#caller.measure));
    if (problem) {
      params["status"] = isTimeout(problem.error) ? "timeout" : "error";
      // The kind only: a message could quote arguments.
      params["error"] = kindOf(problem.error);
    }
    this.#caller.transport.tell("outcome", params);
  }
}

function stoodIn<Result>(answer: Answer): Awaited<Result> {
  return ("instead" in answer ? answer.instead : undefined) as Awaited<Result>;
}

function isTimeout(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  return Reflect.get(error, "name") === "TimeoutError" || Reflect.get(error, "code") === "ETIMEDOUT";
}

function kindOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return typeof error;
  const names = [Reflect.get(error, "name"), error.constructor?.name];
  return names.find((name) => typeof name === "string" && /^\w{1,100}$/.test(name)) ?? "Error";
}
