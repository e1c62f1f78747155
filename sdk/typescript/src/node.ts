/**
 * `@faramesh/sdk` for Node, and for what has Node's modules: the Unix socket of the daemon, or its HTTP door when
 * `url` is given.
 */

import { FetchTransport } from "./fetch-transport.js";
import { UnixSocketTransport } from "./node/unix-socket.js";
import { type Address, type Transport, usePlatform } from "./transport.js";

usePlatform(({ socket, url, token, timeoutMs }: Address): Transport => {
  if (url === undefined) {
    if (token !== undefined) throw new TypeError("`token` belongs to `url`; a Unix socket needs none");
    return new UnixSocketTransport({ socket, timeoutMs });
  }
  if (socket !== undefined) throw new TypeError("give `socket` or `url`, not both");
  return new FetchTransport({ url, token, timeoutMs });
});

export * from "./exports.js";
export { UnixSocketTransport } from "./node/unix-socket.js";
export type { SocketAddress } from "./node/find-socket.js";
