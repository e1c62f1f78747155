// Says of each built folder how Node has to read it; `tsc` writes the same file names for both.
import { writeFileSync } from "node:fs";

for (const [folder, type] of [["esm", "module"], ["cjs", "commonjs"]]) {
  const side = ["./index.js", "./node.js"];
  writeFileSync(
    new URL(`dist/${folder}/package.json`, import.meta.url),
    `${JSON.stringify({ type, sideEffects: side })}\n`,
  );
}
