/** A tool's arguments as the JSON that the policy reads. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

import { encodeJson, toJsonValue } from "../src/arguments.js";
import { ArgumentsInvalid } from "../src/errors.js";

const shown = (value: unknown): string => encodeJson(toJsonValue(value));

test("plain values, and what JSON has no word for", () => {
  const never = Object.create(null) as Record<string, unknown>;
  never["x"] = 1;
  for (const [value, text] of [
    [{ a: 1, b: "ü", c: [true, null, undefined], d: undefined }, '{"a":1,"b":"ü","c":[true,null,null]}'],
    [never, '{"x":1}'],
    [{ n: 9007199254740993n, deep: [{ n: -1n }] }, '{"n":9007199254740993,"deep":[{"n":-1}]}'],
    [{ n: 1e21, z: -0, t: 0.1 }, '{"n":1e+21,"z":0,"t":0.1}'],
    [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    [{ u: new URL("https://example.com/x") }, '{"u":"https://example.com/x"}'],
    [{ m: new Map([["k", new Set([3, 1, 2])]]) }, '{"m":{"k":[1,2,3]}}'],
    [{ b: new TextEncoder().encode("hi"), buf: Buffer.from("hi"), ab: new ArrayBuffer(2) }, '{"b":"aGk=","buf":"aGk=","ab":"AAA="}'],
    [{ f: new Float64Array([1.5]), s: Object("text") as unknown }, '{"f":[1.5],"s":"text"}'],
    [JSON.parse('{"__proto__":{"amount":5}}'), '{"__proto__":{"amount":5}}'],
    [runInNewContext("({ amount: 5, list: [1] })"), '{"amount":5,"list":[1]}'],
    [{ toJSON: () => 1 }, null],
  ] as [unknown, string | null][]) {
    if (text === null) assert.throws(() => shown(value), ArgumentsInvalid);
    else assert.equal(shown(value), text);
  }
});

test("an own number type of a library is written out by its toJSON", () => {
  class Decimal {
    toJSON(): string {
      return "0.10";
    }
  }
  assert.equal(shown({ amount: new Decimal() }), '{"amount":"0.10"}');
});

test("what has no faithful form stops the call, and its value is not told", () => {
  class Database {
    readonly password = "hunter2";
  }
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  let deep: unknown = 1;
  for (let level = 0; level < 66; level += 1) deep = [deep];
  for (const [value, words] of [
    [{ n: Number.NaN }, /`args\.n` is not a finite number/],
    [{ list: [0, Infinity] }, /`args\.list\[1\]`/],
    [{ f: () => 1 }, /`args\.f` is a `function`/],
    [{ s: Symbol("hunter2") }, /`symbol`/],
    [{ db: new Database() }, /`args\.db` is a `Database`.*hideArgs/],
    [{ at: new Date(Number.NaN) }, /invalid date/],
    [{ text: "\ud800" }, /half of a character/],
    [{ "\udc00": 1 }, /half of a character/],
    [{ m: new Map([[1, 2]]) }, /a key of type `number`/],
    [circle, /deeper than 64/],
    [deep, /deeper than 64/],
  ] as [unknown, RegExp][]) {
    assert.throws(
      () => shown(value),
      (error) => {
        assert.ok(error instanceof ArgumentsInvalid);
        assert.match(error.message, words);
        assert.doesNotMatch(error.message, /hunter2/);
        assert.equal(error.code, "ARGUMENTS_INVALID");
        return true;
      },
    );
  }
});
