/**
 * A tool's arguments as the JSON that the policy reads.
 *
 * The daemon must see what the tool will get: a `bigint` becomes an exact JSON number, and a value
 * without a faithful JSON form stops the call instead of being guessed at. Errors name the place and
 * the type, never the value.
 */

import { ArgumentsInvalid } from "./errors.js";

/** How deep arguments may nest; the daemon refuses more. */
export const MAX_DEPTH = 64;

/** A fresh copy of `value` in JSON types, and `bigint` for exact integers. */
export function toJsonValue(value: unknown, path = "args", depth = 0): unknown {
  switch (typeof value) {
    case "string":
      return wellFormed(value, path);
    case "boolean":
    case "bigint":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw invalid(path, "is not a finite number");
      return value;
    case "undefined":
      return null;
    case "object":
      break;
    default:
      throw noForm(value, path);
  }
  if (value === null) return null;
  if (depth > MAX_DEPTH) throw invalid(path, `nests deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    return Array.from(value, (item, at) => toJsonValue(item, `${path}[${at}]`, depth + 1));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || isPlainPrototype(prototype)) {
    return members(Object.entries(value), path, depth);
  }
  return other(value, path, depth);
}

/** Compact JSON text of what `toJsonValue` returned, or of fields around it; exact for `bigint`. */
export function encodeJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (problem) {
    if (problem instanceof TypeError) return encodeExact(value);
    throw problem;
  }
}

function encodeExact(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(encodeExact).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const listed = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{${listed.map(([key, item]) => `${JSON.stringify(key)}:${encodeExact(item)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

// An object of another realm (a `vm` context, a frame) is as plain as one of this.
function isPlainPrototype(prototype: unknown): boolean {
  return (
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "isPrototypeOf"))
  );
}

function members(entries: Iterable<[unknown, unknown]>, path: string, depth: number): object {
  const out: Record<string, unknown> = {};
  for (const [key, item] of entries) {
    if (typeof key !== "string") throw invalid(path, `has a key of type \`${typeof key}\`, not text`);
    // JSON leaves it out, and so does the policy: a tool reads an absent member the same way.
    if (item === undefined) continue;
    const member = toJsonValue(item, `${path}.${key}`, depth + 1);
    const name = wellFormed(key, path);
    // Plain assignment of this one name would change the prototype and lose the member.
    if (name === "__proto__") {
      Object.defineProperty(out, name, { value: member, enumerable: true, configurable: true, writable: true });
    } else {
      out[name] = member;
    }
  }
  return out;
}

function other(value: object, path: string, depth: number): unknown {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw invalid(path, "is an invalid date");
    return value.toISOString();
  }
  if (value instanceof Map) return members(value, path, depth);
  if (value instanceof Set) {
    const items = Array.from(value, (item) => toJsonValue(item, `${path}[]`, depth + 1));
    return items.map((item) => [encodeJson(item), item] as const).sort(byText).map(([, item]) => item);
  }
  if (value instanceof ArrayBuffer) return base64(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) {
    if (value instanceof Uint8Array || value instanceof Uint8ClampedArray || value instanceof DataView) {
      return base64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
    return toJsonValue(Array.from(value as unknown as ArrayLike<unknown>), path, depth);
  }
  if (value instanceof Number || value instanceof String || value instanceof Boolean) {
    return toJsonValue(value.valueOf(), path, depth + 1);
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") return toJsonValue(toJSON.call(value), path, depth + 1);
  throw noForm(value, path);
}

function byText(left: readonly [string, unknown], right: readonly [string, unknown]): number {
  return left[0] < right[0] ? -1 : left[0] > right[0] ? 1 : 0;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x2000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x2000));
  }
  return btoa(text);
}

// In Unicode mode a whole pair is one character, so this finds halves only.
const HALF = /\p{Surrogate}/u;

function wellFormed(text: string, path: string): string {
  if (HALF.test(text)) throw invalid(path, "has half of a character, which has no UTF-8 form");
  return text;
}

function noForm(value: unknown, path: string): ArgumentsInvalid {
  const kind = typeof value === "object" ? (value?.constructor?.name ?? "object") : typeof value;
  return invalid(
    path,
    `is a \`${kind}\`, which has no JSON form; ` +
      "pass plain values, or name the argument in `hideArgs` if the model never sets it",
  );
}

function invalid(path: string, problem: string): ArgumentsInvalid {
  return new ArgumentsInvalid({
    code: "ARGUMENTS_INVALID",
    humanMessage: `\`${path}\` ${problem}; the tool was not run`,
  });
}
