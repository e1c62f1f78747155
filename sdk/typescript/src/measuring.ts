/** What a run used and cost, for the daemon's budgets: never what it returned. */

import { isAsyncIterable } from "./streams.js";
import { warnOnce } from "./warn.js";
import type { Fields } from "./wire.js";

/** What a result cost: in dollars, or as a model's use, which the daemon prices. */
export interface Measured {
  /** Dollars. */
  readonly cost?: number;
  /** `{ model, input_tokens, cached_input_tokens, output_tokens }`; `input_tokens` are all of them. */
  readonly usage?: Fields;
}

/** Says of a result what it cost. */
export type Measure = (result: unknown) => Measured | undefined;

/** The `cost` and `usage` of an outcome. */
export function measured(result: unknown, measure: Measure | undefined): Measured {
  const size = sizeOf(result);
  let usage: Fields = size === undefined ? {} : { output_bytes: size };
  let cost: number | undefined;
  // A stream has no result when the tool returns it.
  if (measure && !isAsyncIterable(result)) {
    try {
      const said = measure(result);
      usage = { ...usage, ...said?.usage };
      cost = said?.cost;
    } catch (problem) {
      // The tool has run: what it returned must reach the caller, measured or not.
      warnOnce(`\`measure\` failed: ${problem instanceof Error ? problem.name : typeof problem}`);
    }
  }
  return {
    ...(cost === undefined ? {} : { cost }),
    ...(Object.keys(usage).length === 0 ? {} : { usage }),
  };
}

/** The bytes of a text or of bytes; to measure anything else would cost more than it tells. */
function sizeOf(result: unknown): number | undefined {
  if (typeof result === "string") return new TextEncoder().encode(result).length;
  if (ArrayBuffer.isView(result) || result instanceof ArrayBuffer) return result.byteLength;
  return undefined;
}
