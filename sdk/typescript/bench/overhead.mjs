// What the SDK costs over a raw socket call, on durable decisions: one JSON line per figure.
//
//   npm run build && FARAMESH_BIN=…/faramesh npm run bench
//
// One client, one call after the other. Rounds of each kind alternate in one run, so that what the machine does
// meanwhile meets all of them; figures are medians over all calls of a kind. `raw_decision` writes one `govern` line
// and waits for the reply. `raw_decision_and_outcome` also reports an outcome that nobody waits for, as the SDK does
// after each run. `governed_call` is `await tool(…)` through the SDK. BENCH_DIR chooses the disk.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { governed } from "@faramesh/sdk";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 40);
const CALLS = 100;

const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "fm-"));
const socket = join(folder, "agent.sock");
writeFileSync(
  join(folder, "governance.fms"),
  `runtime {
  socket = "${socket}"
  allow_self_declared_identity = true
}

agent "bench" {
  default deny
  rules {
    permit stripe/refund if amount < $500
  }
}
`,
);
const binary = process.env.FARAMESH_BIN ?? "faramesh";
const daemon = spawn(binary, ["apply", "--foreground", "--dir", folder], {
  stdio: "ignore",
  env: { ...process.env, HOME: folder },
});

/** One line out, one line in. */
function rawClient(line) {
  let text = "";
  let answered;
  line.setEncoding("utf8").on("data", (part) => {
    text += part;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const reply = JSON.parse(text.slice(0, end));
      text = text.slice(end + 1);
      if (reply.result?.effect) answered(reply.result);
    }
  });
  let id = 0;
  const send = (method, params) => line.write(`${JSON.stringify({ jsonrpc: "2.0", id: (id += 1), method, params })}\n`);
  const decide = () =>
    new Promise((done) => {
      answered = done;
      send("govern", { agent: "bench", tool: "stripe/refund", args: { amount: 80 }, call_id: crypto.randomUUID() });
    });
  const report = (action_id) => send("outcome", { action_id, status: "ok", duration_ms: 0, agent: "bench" });
  return { decide, report };
}

function median(values) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}

function say(figure, value, unit, more = {}) {
  console.log(JSON.stringify({ figure, value: Number(value.toFixed(2)), unit, ...more }));
}

try {
  for (let left = 500; !existsSync(socket) && left > 0; left -= 1) await sleep(20);
  await sleep(100);
  const line = connect(socket);
  const { decide, report } = rawClient(line);
  const refund = governed(({ amount }) => amount, { name: "stripe/refund", agentId: "bench", socket });
  const kinds = {
    raw_decision: async () => void (await decide()),
    raw_decision_and_outcome: async () => report((await decide()).action_id),
    governed_call: async () => void (await refund({ amount: 80 })),
  };
  const seen = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
  for (let round = -2; round < ROUNDS; round += 1) {
    for (const [kind, call] of Object.entries(kinds)) {
      for (let at = 0; at < CALLS; at += 1) {
        const started = performance.now();
        await call();
        if (round >= 0) seen[kind].push((performance.now() - started) * 1000);
      }
      // What was reported last must not meet the next kind.
      await sleep(5);
    }
  }
  line.end();
  const medians = Object.fromEntries(Object.entries(seen).map(([kind, values]) => [kind, median(values)]));
  for (const [kind, value] of Object.entries(medians)) say(kind, value, "us", { calls: ROUNDS * CALLS });
  say("governed_over_raw", medians.governed_call / medians.raw_decision, "ratio", { aimed: 1.4 });
  say("governed_over_raw_with_outcome", medians.governed_call / medians.raw_decision_and_outcome, "ratio");
} finally {
  daemon.kill("SIGTERM");
  await new Promise((ended) => daemon.once("exit", ended));
  rmSync(folder, { recursive: true, force: true });
}
