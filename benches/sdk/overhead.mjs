// What the TypeScript SDK costs under Node: a governed function beside a bare request over the same socket, in one run.
//
//   node benches/sdk/overhead.mjs FARAMESH SDK     SDK: the folder of the built package
//
// Both wait for a permit that is on disk. Rounds of one and of the other alternate.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const ROUNDS = 30;
const CALLS = 100;
const POLICY = `
runtime { allow_self_declared_identity = true  socket = "agent.sock" }
agent "bench" { default deny rules { permit search if limit <= 10 } }
`;

const [binary, sdk] = process.argv.slice(2).map((path) => resolve(path));
const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "fm-"));
writeFileSync(join(folder, "governance.fms"), POLICY);
const daemon = spawn(binary, ["apply", "--foreground", "--dir", folder, "--quiet"], {
  stdio: "ignore",
  env: { HOME: folder, PATH: process.env.PATH },
});
try {
  await measure(join(folder, "agent.sock"));
} finally {
  daemon.kill();
  await new Promise((done) => daemon.once("exit", done));
  rmSync(folder, { recursive: true, force: true });
}
// The bare connection would keep the process.
process.exit(0);


/** One client that writes a request and reads its reply. */
function bare(path) {
  const connection = connect(path);
  let text = "";
  let answered;
  let number = 0;
  connection.setEncoding("utf8").on("data", (part) => {
    text += part;
    if (!text.endsWith("\n")) return;
    const reply = JSON.parse(text);
    text = "";
    answered(reply);
  });
  return async () => {
    number += 1;
    const params = { agent: "bench", tool: "search", args: { query: "refunds", limit: 5 }, call_id: `bare-${number}` };
    const reply = new Promise((done) => (answered = done));
    connection.write(`${JSON.stringify({ jsonrpc: "2.0", id: number, method: "govern", params })}\n`);
    if ((await reply).result.effect !== "PERMIT") throw new Error("not permitted");
  };
}

async function timed(ask) {
  const times = [];
  for (let call = 0; call < CALLS; call += 1) {
    const began = performance.now();
    await ask();
    times.push(performance.now() - began);
  }
  return times;
}

function median(numbers) {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)];
}

async function measure(path) {
  while (!existsSync(path)) await sleep(50);
  const { governed } = await import(pathToFileURL(join(sdk, "dist/esm/node.js")));
  const search = governed(({ query }) => query, { name: "search", agentId: "bench", socket: path });
  const ask = bare(path);
  const call = () => search({ query: "refunds", limit: 5 });
  await timed(ask);
  await timed(call);
  const without = [];
  const withSdk = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    without.push(...(await timed(ask)));
    withSdk.push(...(await timed(call)));
  }
  const [base, cost] = [median(without), median(withSdk)];
  for (const [figure, value, unit] of [
    ["node_bare_request_p50", base * 1e3, "us"],
    ["node_governed_call_p50", cost * 1e3, "us"],
    ["node_governed_over_bare", cost / base, "ratio"],
  ]) {
    console.log(JSON.stringify({ figure, value: Number(value.toFixed(3)), unit }));
  }
}
