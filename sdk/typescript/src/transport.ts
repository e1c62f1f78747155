/**
 * What carries a request to whoever decides it, and where an implementation for this runtime is found.
 *
 * INVARIANT: this file imports nothing of Node. The entry for Node says `usePlatform`; without that the
 * only way out is `fetch`, and it needs an address.
 */

import type { Fields } from "./wire.js";

/** The limits of one request. */
export interface RequestOptions {
  /** The whole time allowed, in milliseconds; the transport's own when left out. */
  readonly timeoutMs?: number;
  /** Ends the waiting; the request then fails with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * `request` asks `govern` or `poll_defer` and resolves to the reply's `result` object, or rejects with a
 * `ToolDeniedError`; it never makes up a permit. `tell` reports an `outcome` that nobody waits for: it
 * must not throw.
 */
export interface Transport {
  request(method: string, params: Fields, options?: RequestOptions): Promise<Fields>;
  tell(method: string, params: Fields): void;
  close(): void;
}

/** Where a transport has to go; the first that is given wins. */
export interface Address {
  /** A Unix socket's path (Node only). */
  readonly socket?: string | undefined;
  /** The base address of the daemon's HTTP door. */
  readonly url?: string | undefined;
  /** The bearer token for it. */
  readonly token?: string | undefined;
  /** How long one decision may take, in milliseconds; 5000. */
  readonly timeoutMs?: number | undefined;
}

type Opener = (address: Address) => Transport;

let opener: Opener | undefined;

/** Says how transports are made in this runtime. */
export function usePlatform(open: Opener): void {
  opener = open;
}

/** The transport for this address in this runtime. */
export function openTransport(address: Address): Transport {
  if (opener === undefined) throw new TypeError("no platform was chosen; import `@faramesh/sdk`");
  return opener(address);
}
