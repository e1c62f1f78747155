/** The package as it installs: both module systems, nothing needed at run time, nothing of Node in a browser. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules, createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import vm from "node:vm";

import { build } from "esbuild";
import * as esm from "@faramesh/sdk";

import { openDoor, startRemote, TOKEN } from "./door.js";

const require = createRequire(import.meta.url);
const manifest = JSON.parse(readFileSync(require.resolve("@faramesh/sdk/package.json"), "utf8"));

test("it needs nothing at run time", () => {
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    assert.equal(manifest[kind], undefined, kind);
  }
  const folder = join(require.resolve("@faramesh/sdk/package.json"), "..");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  assert.ok(files.includes(join("dist", "esm", "node.d.ts")) && files.includes(join("dist", "cjs", "node.d.ts")));
  assert.deepEqual(files.filter((file) => /\.ts$/.test(file) && !/\.d\.ts$/.test(file)), []);
});

test("import and require give the same names, and know each other's refusals", async () => {
  const cjs = require("@faramesh/sdk") as typeof esm;
  assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort());
  const refusal = await esm.governed(() => 1, { transport: new esm.StubTransport(), name: "x" })().catch((error: unknown) => error);
  assert.ok(esm.isToolDenied(refusal) && cjs.isToolDenied(refusal));
  assert.ok(!(refusal instanceof cjs.ToolDeniedError));
});

for (const conditions of [["browser"], ["workerd"], ["edge-light"], []]) {
  test(`a bundle for ${conditions[0] ?? "no platform"} imports nothing of Node, and works without it`, async (t) => {
    const bundled = await build({
      stdin: {
        contents: 'export { governed } from "@faramesh/sdk";',
        resolveDir: import.meta.dirname,
      },
      bundle: true,
      write: false,
      metafile: true,
      format: "iife",
      globalName: "sdk",
      platform: conditions[0] === "browser" ? "browser" : "neutral",
      conditions: [...conditions, "import"],
    });
    const imports = Object.values(bundled.metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
    const ofNode = imports.filter((path) => path.startsWith("node:") || builtinModules.includes(path));
    assert.deepEqual(ofNode, []);
    assert.ok(Object.keys(bundled.metafile.inputs).every((path) => !path.includes("unix-socket")));
    const code = bundled.outputFiles[0]?.text ?? "";
    assert.doesNotMatch(code, /\bnode:|\brequire\(|\bBuffer\b/);

    const { stack, address } = await startRemote(t);
    const door = await openDoor(t, address);
    const web = { fetch, URL, AbortController, AbortSignal, TextEncoder, TextDecoder, ReadableStream };
    const context = vm.createContext({ ...web, setTimeout, clearTimeout, performance, crypto, console, door: door.url, TOKEN });
    const call = `
      const refund = sdk.governed(({ amount }) => "refunded " + amount,
        { name: "stripe/refund", agentId: "support-bot", url: door, token: TOKEN });
      Promise.all([refund({ amount: 80 }), refund({ amount: 20000 }).catch((error) => error.code)])`;
    const [ran, code2] = await vm.runInContext(`${code}\n${call}`, context);
    assert.deepEqual([ran, code2], ["refunded 80", "POLICY_DENY"]);
    await stack.waitForRecords("outcome", 1);
    assert.throws(() => vm.runInContext("sdk.governed(() => 1)", context), /give `url`/);
  });
}
