/**
 * Governed plain functions, methods and async generators.
 *
 * A decision needs a round trip, so a governed function gives a promise; an async generator stays one. The
 * policy sees arguments by name: those of the one object that the function takes, or as `params` names them.
 */

import { ArgumentsInvalid } from "./errors.js";
import { mark } from "./copies.js";
import { type Settings, THROWN } from "./options.js";
import { isAsyncGeneratorFunction, isAsyncIterable, isGeneratorFunction } from "./streams.js";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any function is meant, whatever it takes
export type AnyFunction = (...args: any[]) => unknown;

/** What `governed` makes of a function: the same parameters, and a promise unless it is an async generator. */
export type GovernedFunction<Inner extends AnyFunction> =
  ReturnType<Inner> extends AsyncGenerator
    ? (...args: Parameters<Inner>) => ReturnType<Inner>
    : (...args: Parameters<Inner>) => Promise<Awaited<ReturnType<Inner>>>;

/** How one function is seen. */
export interface FunctionShape {
  /** The policy's name of it. */
  readonly name: string;
  /** The names of its parameters, in order; not needed for a function that takes one object. */
  readonly params?: readonly string[] | undefined;
  /** It returns an async iterable without being written as `async function*`. */
  readonly streaming?: boolean | undefined;
}

/** A stand-in for `inner`, with its name and length, that asks first. */
export function governFunction<Inner extends AnyFunction>(
  inner: Inner,
  { name, params, streaming }: FunctionShape,
  settings: Settings,
): GovernedFunction<Inner> {
  if (isGeneratorFunction(inner)) {
    throw new TypeError(`cannot govern \`${name}\`: a generator cannot wait for a decision; make it \`async function*\``);
  }
  if (!params && inner.length > 1) {
    throw new TypeError(
      `\`${name}\` takes ${inner.length} parameters: say what the policy calls them, ` +
        'as in `params: ["order", "amount"]`',
    );
  }
  const enforcer = settings.enforcer(THROWN);
  const argsOf = (given: unknown[]) => (): unknown => settings.visible(named(given, params));
  const governed =
    streaming || isAsyncGeneratorFunction(inner)
      ? function (this: unknown, ...given: unknown[]): unknown {
          return enforcer.stream(name, argsOf(given), () => inner.apply(this, given) as AsyncGenerator);
        }
      : function (this: unknown, ...given: unknown[]): unknown {
          return enforcer.run(name, argsOf(given), () => notStreaming(inner.apply(this, given), name));
        };
  Object.defineProperty(governed, "name", { value: inner.name, configurable: true });
  Object.defineProperty(governed, "length", { value: inner.length, configurable: true });
  return mark(governed, name) as unknown as GovernedFunction<Inner>;
}

/** `result`, unless it would change its type on the way: whoever awaits a promise cannot iterate over it. */
export function notStreaming<Result>(result: Result, name: string): Result {
  if (isAsyncIterable(result) && "next" in result) {
    throw new TypeError(
      `\`${name}\` returned an async generator but is not written as \`async function*\`; ` +
        "say so with `streaming`, and it stays one",
    );
  }
  return result;
}

function named(given: unknown[], params: readonly string[] | undefined): unknown {
  if (params) {
    if (given.length > params.length) throw unseen(`${given.length} arguments, but \`params\` names ${params.length}`);
    return Object.fromEntries(given.map((value, at) => [params[at], value]));
  }
  if (given.length > 1) throw unseen(`${given.length} arguments, but \`params\` names none`);
  const [only] = given;
  if (only === undefined) return {};
  if (typeof only !== "object" || only === null || Array.isArray(only)) {
    throw unseen("an argument that is no object, but `params` names none");
  }
  return only;
}

function unseen(problem: string): ArgumentsInvalid {
  return new ArgumentsInvalid({
    code: "ARGUMENTS_INVALID",
    humanMessage: `the call has ${problem}, so the policy cannot see it; the tool was not run`,
  });
}
