/**
 * What became of the calls that frameworks name by an id, so that none is decided twice.
 *
 * Some frameworks run a tool again after an error, also after a refusal. For the same id, tool, session
 * and arguments within 15 minutes: a refusal is repeated without asking, and a run that is under way is
 * joined. A permit is never kept: it lets one call run once, and running again is another call.
 *
 * INVARIANT: at most 1024 calls and 16 MiB of their arguments are kept, only in memory.
 */

import { ToolDeferredError, type ToolDeniedError } from "./errors.js";

const KEPT_MS = 15 * 60_000;
const MAX_CALLS = 1024;
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** What is known of one call. */
export class Known {
  /** The run that is under way. */
  running: Promise<unknown> | undefined;
  #refusal: ToolDeniedError | undefined;
  #until = performance.now() + KEPT_MS;

  get isOver(): boolean {
    return this.running === undefined && this.#until <= performance.now();
  }

  /** The denial that holds for this call. */
  get denial(): ToolDeniedError | undefined {
    return this.#refusal instanceof ToolDeferredError ? undefined : this.#refusal;
  }

  /** The deferral that this call met; a person may have answered it meanwhile. */
  get deferral(): ToolDeferredError | undefined {
    return this.#refusal instanceof ToolDeferredError ? this.#refusal : undefined;
  }

  /** Keeps a refusal for as long as asking again could not help. */
  refuse(refusal: ToolDeniedError): void {
    const { resolution } = refusal;
    const again = resolution.type === "retry_after" ? resolution.retryAfterSeconds * 1000 : KEPT_MS;
    this.#refusal = refusal;
    this.#until = performance.now() + Math.min(again, KEPT_MS);
  }

  /** The call ran: the next one is another call. */
  forget(): void {
    this.#refusal = undefined;
  }
}

/** The calls of one set of tools. */
export class FrameworkCalls {
  readonly #calls = new Map<string, Known>();
  #characters = 0;

  /** What is known of this call; the oldest make room for a new one. */
  of(tool: string, id: string, args: string): Known {
    const key = `${tool}\n${id}\n${args}`;
    const known = this.#calls.get(key);
    if (known && !known.isOver) return known;
    this.#drop(key);
    for (const [oldest, entry] of this.#calls) {
      const full = this.#calls.size >= MAX_CALLS || this.#characters + key.length > MAX_CHARACTERS;
      if (!full && !entry.isOver) break;
      this.#drop(oldest);
    }
    const made = new Known();
    this.#calls.set(key, made);
    this.#characters += key.length;
    return made;
  }

  #drop(key: string): void {
    if (this.#calls.delete(key)) this.#characters -= key.length;
  }
}
