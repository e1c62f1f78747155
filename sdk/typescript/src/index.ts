/**
 * `@faramesh/sdk` where there is `fetch` and nothing of Node: browsers, workers, edge functions.
 *
 * INVARIANT: no file that is reached from here imports a module of Node; a test bundles it to see that.
 */

import { FetchTransport } from "./fetch-transport.js";
import { type Address, type Transport, usePlatform } from "./transport.js";

usePlatform(({ socket, url, token, timeoutMs }: Address): Transport => {
  if (socket !== undefined) throw new TypeError("`socket` needs Node; give `url` here");
  if (url === undefined) throw new TypeError("where is the daemon? give `url`, the address of its HTTP door");
  return new FetchTransport({ url, token, timeoutMs });
});

export * from "./exports.js";
