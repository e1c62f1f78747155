/**
 * The pages of `docs/frameworks` that are about TypeScript: each program is taken from its page and run, with the
 * policy, the commands and the output that stand there. `…` on a page stands for anything.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { type Stack, startStack } from "./stack.js";

interface Page {
  readonly files: Map<string, string>;
  /** The commands of its consoles, with the output that the page shows. */
  readonly commands: { readonly command: string; readonly output: string }[];
}

const current = process.env["FARAMESH_CURRENT"] !== undefined;
const PAGES = current ? ["ai-sdk", "mastra"] : ["ai-sdk", "langgraph-js", "openai-agents-js", "typescript"];

/** A fence below a paragraph that begins with a file's name in backticks is that file; consoles hold commands. */
function read(name: string): Page {
  const path = join(process.env["FARAMESH_REPOSITORY"] ?? "", "docs/frameworks", `${name}.md`);
  const page: Page = { files: new Map(), commands: [] };
  const [before = "", ...fences] = readFileSync(path, "utf8").split(/^```(\w+)\n/m);
  for (let prose = before; fences.length > 0; ) {
    const language = fences.shift();
    const [text = "", after = ""] = (fences.shift() ?? "").split(/^```\n/m);
    const file = /^`([\w.]+)`/.exec(prose.trim().split("\n\n").at(-1) ?? "")?.[1];
    if (file) page.files.set(file, text);
    if (language === "console") {
      for (const part of text.split(/^\$ /m).slice(1)) {
        const [command = "", ...output] = part.split("\n");
        page.commands.push({ command, output: output.join("\n").trim() });
      }
    }
    prose = after;
  }
  return page;
}

function matches(shown: string, printed: string): void {
  const quoted = shown.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  assert.match(printed.trim(), new RegExp(`^${quoted.join("[\\w-]+")}$`), `it printed:\n${printed}`);
}

async function run(command: string, stack: Stack, folder: string): Promise<string | undefined> {
  const [program, ...args] = command.split(" ");
  if (program === "npm") return undefined;
  if (program === "node") {
    const script = join(folder, args.join(" "));
    const done = spawnSync(process.execPath, [script], { cwd: stack.folder, env: stack.environment(), encoding: "utf8" });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout;
  }
  assert.match(command, /^faramesh approvals approve apr-… --reason "[^"]+"$/);
  await stack.approve((await stack.pending())[0]?.id ?? "none waits");
  return undefined;
}

for (const name of PAGES) {
  test(`docs/frameworks/${name}.md does what it shows`, async (t) => {
    const { files, commands } = read(name);
    const policy = files.get("governance.fms");
    assert.ok(policy && files.has("agent.mjs"), [...files.keys()].join());
    const folder = join(import.meta.dirname, "pages", name);
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of files) writeFileSync(join(folder, file), text);
    const stack = await startStack(t, policy);
    for (const { command, output } of commands) {
      const printed = await run(command, stack, folder);
      if (printed !== undefined) matches(output, printed);
    }
    assert.equal(commands.filter(({ command }) => command.startsWith("node ")).length, 2);
    await stack.command("audit", "verify");
  });
}
