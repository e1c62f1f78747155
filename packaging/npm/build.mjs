// Packs the command for npm: `faramesh`, which starts the binary of the platform, and `@faramesh/cli-OS-CPU`, which is it.
//
//   node packaging/npm/build.mjs BINARY FOLDER

import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PLATFORMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];

const [binary, out] = process.argv.slice(2).map((path) => resolve(path));
const here = dirname(fileURLToPath(import.meta.url));
const cargo = readFileSync(join(here, "../../Cargo.toml"), "utf8");
const version = /^version = "([^"]+)"/m.exec(cargo)[1];
const platform = `${process.platform}-${process.arch}`;
const common = {
  version,
  license: "Apache-2.0",
  repository: { type: "git", url: "git+https://github.com/faramesh/faramesh.git" },
};

const work = mkdtempSync(join(tmpdir(), "faramesh-npm-"));
try {
  pack(`cli-${platform}`, (folder) => {
    copyFileSync(binary, join(folder, "faramesh"));
    chmodSync(join(folder, "faramesh"), 0o755);
    return {
      name: `@faramesh/cli-${platform}`,
      description: `The faramesh command for ${process.platform} on ${process.arch}.`,
      os: [process.platform],
      cpu: [process.arch],
      // The binary is linked with the glibc of this machine; where there is another libc, npm leaves it out.
      ...(process.report?.getReport().header.glibcVersionRuntime ? { libc: ["glibc"] } : {}),
      files: ["faramesh"],
    };
  });
  pack("faramesh", (folder) => {
    cpSync(join(here, "faramesh"), folder, { recursive: true });
    return {
      name: "faramesh",
      description: "Decides every tool call of an AI agent before it runs: the faramesh command.",
      bin: { faramesh: "bin/faramesh.js" },
      engines: { node: ">=20" },
      files: ["bin", "README.md"],
      optionalDependencies: Object.fromEntries(PLATFORMS.map((other) => [`@faramesh/cli-${other}`, version])),
    };
  });
} finally {
  rmSync(work, { recursive: true, force: true });
}

function pack(name, fill) {
  const folder = join(work, name);
  mkdirSync(folder);
  const manifest = { ...common, ...fill(folder) };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  execFileSync("npm", ["pack", "--silent", "--pack-destination", out], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}
