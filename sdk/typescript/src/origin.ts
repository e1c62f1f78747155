/**
 * Where a call comes from, in the words of the framework that makes it.
 *
 * Adapters fill an `Origin` from what the framework passes beside the arguments. Under the key `faramesh` of the
 * framework's own context the developer may say who a call is for. INVARIANT: what a model wrote is never read as an
 * identity; the context is the developer's.
 */

import { type Fields, isFields } from "./wire.js";

const MAX_ID_LENGTH = 85;

/** What the framework says about the call beside its arguments. */
export interface Origin {
  /** The framework's id of the call; a refusal of it is not asked for again. */
  readonly id?: string | undefined;
  /** The framework's notion of a conversation: the session, when nothing else names one. */
  readonly thread?: unknown;
  /** The developer's context of the run, in which `faramesh` is looked for. */
  readonly context?: unknown;
  /** Ends the waiting for a decision or a person. */
  readonly signal?: AbortSignal | undefined;
  /** For a framework that turns an exception of the tool into a result: the failure that a result tells of. */
  readonly failureIn?: ((result: unknown) => Error | undefined) | undefined;
}

/** Who a call is for, as far as its origin says. */
export interface Person {
  readonly sessionId: string;
  readonly thread: string;
  readonly requestId: string;
  readonly principal: Fields;
  readonly tags: Readonly<Record<string, string>>;
}

/** Reads `faramesh: { sessionId, requestId, principal, tags }` of the run's context, and the ids of the framework. */
export function personOf({ id, thread, context }: Origin): Person {
  const said = member(context, "faramesh");
  const tags = member(said, "tags");
  const principal = member(said, "principal");
  return {
    sessionId: idOf(member(said, "sessionId")),
    thread: idOf(thread),
    requestId: idOf(member(said, "requestId")) || idOf(id),
    principal: isFields(principal) ? principal : {},
    tags: isFields(tags) ? Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, String(value)])) : {},
  };
}

/** A member of an object, or an entry of a map such as Mastra's request context. */
function member(source: unknown, name: string): unknown {
  if (typeof source !== "object" || source === null) return undefined;
  const get: unknown = Reflect.get(source, "get");
  if (typeof get === "function") return get.call(source, name);
  return Object.hasOwn(source, name) ? Reflect.get(source, name) : undefined;
}

// The daemon takes ids of at most 256 bytes; a character is at most three of them, or a pair four.
function idOf(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value.length <= MAX_ID_LENGTH ? value : "";
}
