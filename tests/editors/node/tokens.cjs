// Reads policies with VS Code's own engine of colours and prints, for each file, its tokens as JSON.
//   node tokens.cjs MODULES GRAMMAR FILE...
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const [modules, grammarPath, ...files] = process.argv.slice(2);
const need = name => require(path.join(modules, 'node_modules', name));
const oniguruma = need('vscode-oniguruma');
const { INITIAL, Registry } = need('vscode-textmate');

async function main() {
  const wasm = path.join(modules, 'node_modules/vscode-oniguruma/release/onig.wasm');
  await oniguruma.loadWASM(fs.readFileSync(wasm).buffer);
  const registry = new Registry({
    onigLib: Promise.resolve({
      createOnigScanner: patterns => new oniguruma.OnigScanner(patterns),
      createOnigString: text => new oniguruma.OnigString(text),
    }),
    loadGrammar: async scope =>
      scope === 'source.fpl' ? JSON.parse(fs.readFileSync(grammarPath, 'utf8')) : null,
  });
  const grammar = await registry.loadGrammar('source.fpl');
  const result = {};
  for (const file of files) {
    let stack = INITIAL;
    result[file] = fs.readFileSync(file, 'utf8').split('\n').map(line => {
      const read = grammar.tokenizeLine(line, stack);
      stack = read.ruleStack;
      return read.tokens.map(token => [line.slice(token.startIndex, token.endIndex), token.scopes.slice(1)]);
    });
    if (stack.depth !== 1) {
      throw new Error(`${file}: something is still open at the end`);
    }
  }
  process.stdout.write(JSON.stringify(result));
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
