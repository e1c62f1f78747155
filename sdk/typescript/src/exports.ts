/** What both entries of the package export; the entry for Node adds the Unix socket. */

export { WAIT, type OnDefer, type OnDeny } from "./asking.js";
export {
  ArgumentsInvalid,
  DaemonProtocolError,
  DaemonTimeout,
  DaemonUnreachable,
  isToolDenied,
  ToolDeferredError,
  ToolDeniedError,
} from "./errors.js";
export { FetchTransport, type FetchTransportOptions } from "./fetch-transport.js";
export type { GovernedFunction } from "./functions.js";
export {
  governed,
  type GovernedOptions,
  type GovernedTool,
  governedTools,
  type GovernedTools,
  type GovernedToolsOptions,
} from "./governed-tools.js";
export type { Measure, Measured } from "./measuring.js";
export type { GovernOptions } from "./options.js";
export type {
  BudgetReset,
  NoResolution,
  Operator,
  OtherResolution,
  PendingApproval,
  PendingApprovals,
  Resolution,
  RetryAfter,
  RuleBlock,
  Unmet,
} from "./resolution.js";
export { type Delegation, Session, type SessionOptions, type Spawned } from "./session.js";
export { type RecordedCall, type Script, StubTransport } from "./stub.js";
export type { RequestOptions, Transport } from "./transport.js";
export type { Fields } from "./wire.js";
