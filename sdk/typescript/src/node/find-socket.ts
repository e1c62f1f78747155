/**
 * Where the daemon's socket is: the option, `FARAMESH_SOCKET`, the nearest `.faramesh/runtime/agent.env` at or
 * above the working directory, then `~/.faramesh/runtime/faramesh.sock`.
 *
 * INVARIANT: the first that names a socket wins, whether or not a daemon listens there: falling through to
 * another daemon would be decided by a policy that nobody chose.
 */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

import { variable } from "../settings.js";
import { warnOnce } from "../warn.js";

const MAX_PARENTS = 64;
const MAX_FILE_BYTES = 64 * 1024;
const OTHERS_MAY_WRITE = 0o002;

/** A socket's path and, for error messages, where it was named. */
export interface SocketAddress {
  readonly path: string;
  readonly source: string;
}

/** The daemon's socket for this process. Nothing is opened. */
export function findSocket(explicit?: string): SocketAddress {
  if (explicit) return { path: expanded(explicit), source: "the `socket` option" };
  const named = variable("FARAMESH_SOCKET");
  if (named) return { path: expanded(named), source: "FARAMESH_SOCKET" };
  return fromAgentEnv() ?? { path: join(homedir(), ".faramesh/runtime/faramesh.sock"), source: "the default place" };
}

function expanded(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

function fromAgentEnv(): SocketAddress | undefined {
  let folder = workingDirectory();
  for (let left = MAX_PARENTS; folder !== undefined && left > 0; left -= 1) {
    const file = join(folder, ".faramesh", "runtime", "agent.env");
    const socket = assigned(readTrusted(file) ?? "", "FARAMESH_SOCKET");
    if (socket) return { path: resolve(folder, socket), source: file };
    const above = dirname(folder);
    folder = above === folder ? undefined : above;
  }
  return undefined;
}

function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    // The folder was deleted meanwhile.
    return undefined;
  }
}

function readTrusted(file: string): string | undefined {
  // Whoever writes this file chooses who decides: in a shared folder such as /tmp another user could name a
  // daemon that permits everything.
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    const { uid, mode } = fstatSync(handle);
    const ours = uid === 0 || uid === process.geteuid?.();
    if (!ours || (mode & OTHERS_MAY_WRITE) !== 0) {
      warnOnce(`ignoring \`${file}\`: another user can write it`);
      return undefined;
    }
    const bytes = Buffer.alloc(MAX_FILE_BYTES);
    return bytes.toString("utf8", 0, readSync(handle, bytes, 0, MAX_FILE_BYTES, 0));
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function assigned(text: string, name: string): string {
  for (const line of text.split(/\r?\n/)) {
    const found = /^\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*$/.exec(line);
    if (found?.[1] !== name) continue;
    return (found[2] ?? "").replace(/^(["'])(.*)\1$/, "$2");
  }
  return "";
}
