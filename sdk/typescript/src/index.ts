/**
 * `@faramesh/sdk` where there is `fetch` and nothing of Node: browsers, workers, edge functions.
 *
 * INVARIANT: no file that is reached from here imports a module of Node; a test bundles it to see that.
 */

import { FetchTransport } from "./fetch-transport.js";
import { doorOfEnvironment } from "./settings.js";
import { type Address, type Transport, usePlatform } from "./transport.js";

usePlatform(({ socket, url, token, timeoutMs }: Address): Transport => {
  if (socket !== undefined) throw new TypeError("`socket` needs Node; give `url` here");
  if (url === undefined) {
    const door = doorOfEnvironment();
    if (door) return new FetchTransport({ ...door, token: token ?? door.token, timeoutMs });
    throw new TypeError("where is the daemon? give `url`, the address of its HTTP door, or set FARAMESH_URL");
  }
  return new FetchTransport({ url, token, timeoutMs });
});

export * from "./exports.js";
