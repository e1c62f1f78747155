#!/usr/bin/env node
// Starts the binary of this platform, as if it had been started itself: same terminal, same signals, same exit code.
"use strict";

const { spawn } = require("node:child_process");

const name = `@faramesh/cli-${process.platform}-${process.arch}`;
let binary;
try {
  binary = require.resolve(`${name}/faramesh`);
} catch {
  console.error(`faramesh: there is no binary for ${process.platform} on ${process.arch}: the package ${name} is not installed`);
  console.error("hint: install without --omit=optional, or build it: cargo install --path crates/cli");
  process.exit(1);
}
const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (problem) => {
  console.error(`faramesh: ${problem.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  // As a shell says that a signal ended it.
  process.exit(code ?? 128 + require("node:os").constants.signals[signal]);
});
