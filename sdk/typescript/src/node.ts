/**
 * `@faramesh/sdk` for Node, and for what has Node's modules: the Unix socket of the daemon, or its HTTP door when
 * `url` is given.
 */

import { FetchTransport } from "./fetch-transport.js";
import { UnixSocketTransport } from "./node/unix-socket.js";
import { doorOfEnvironment } from "./settings.js";
import { type Address, type Transport, usePlatform } from "./transport.js";

const MAX_SHARED = 64;
const shared = new Map<string, UnixSocketTransport>();

/** One transport, so one pair of connections, for all tools of this process that go the same way. */
function overUnixSocket(socket: string | undefined, timeoutMs: number | undefined): UnixSocketTransport {
  const made = new UnixSocketTransport({ socket, timeoutMs });
  const way = `${made.address.path} ${made.address.source} ${made.timeoutMs}`;
  const known = shared.get(way);
  if (!known && shared.size < MAX_SHARED) shared.set(way, made);
  return known ?? made;
}

usePlatform(({ socket, url, token, timeoutMs }: Address): Transport => {
  if (url === undefined) {
    const door = socket === undefined ? doorOfEnvironment() : undefined;
    if (door) return new FetchTransport({ ...door, token: token ?? door.token, timeoutMs });
    if (token !== undefined) throw new TypeError("`token` belongs to `url`; a Unix socket needs none");
    return overUnixSocket(socket, timeoutMs);
  }
  if (socket !== undefined) throw new TypeError("give `socket` or `url`, not both");
  return new FetchTransport({ url, token, timeoutMs });
});

export * from "./exports.js";
export { UnixSocketTransport } from "./node/unix-socket.js";
export type { SocketAddress } from "./node/find-socket.js";
