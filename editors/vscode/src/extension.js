// The client of `faramesh lsp`. Everything that it shows comes from there.
// @ts-check
'use strict';

const vscode = require('vscode');
const { LanguageClient, TransportKind } = require('vscode-languageclient/node');

/** @type {import('vscode-languageclient/node').LanguageClient | undefined} */
let client;

/** @returns {{ command: string, args: string[] }} */
function server() {
  const settings = vscode.workspace.getConfiguration('faramesh');
  return { command: settings.get('path', 'faramesh'), args: settings.get('arguments', ['lsp']) };
}

async function start() {
  const { command, args } = server();
  const made = new LanguageClient(
    'faramesh',
    'Faramesh',
    { command, args, transport: TransportKind.stdio },
    { documentSelector: [{ language: 'fpl' }] },
  );
  try {
    await made.start();
    client = made;
  } catch (error) {
    await made.dispose().catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    const choice = await vscode.window.showErrorMessage(
      `The language server \`${command} ${args.join(' ')}\` does not start: ${reason}. ` +
        'Colours work without it. Is faramesh installed?',
      'Open settings',
    );
    if (choice) {
      await vscode.commands.executeCommand('workbench.action.openSettings', 'faramesh.path');
    }
  }
}

async function stop() {
  const old = client;
  client = undefined;
  await old?.dispose();
}

/** @param {vscode.ExtensionContext} context */
async function activate(context) {
  const restart = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(
    vscode.commands.registerCommand('faramesh.restart', restart),
    vscode.workspace.onDidChangeConfiguration(async event => {
      if (event.affectsConfiguration('faramesh.path') || event.affectsConfiguration('faramesh.arguments')) {
        await restart();
      }
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
