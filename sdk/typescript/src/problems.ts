/**
 * The refusals that come from the way to the daemon, in the words of every transport.
 */

import { ArgumentsInvalid, DaemonTimeout, DaemonUnreachable, type DenialFields } from "./errors.js";
import type { Fields } from "./wire.js";

const REMEDY = "Start the daemon with `faramesh dev` or `faramesh apply`";

/** Nobody answered at `place`. */
export function unreachable(place: string, what: string, remedy: string, params: Fields, cause: unknown): DaemonUnreachable {
  return new DaemonUnreachable(
    {
      ...whose(params),
      code: "DAEMON_UNREACHABLE",
      humanMessage: `cannot reach the Faramesh daemon at ${place}: ${what}; the tool was not run. ${REMEDY}, ${remedy}`,
      retryable: true,
    },
    { cause },
  );
}

/** No decision within the time limit. */
export function timedOut(place: string, what: string, params: Fields): DaemonTimeout {
  return new DaemonTimeout({
    ...whose(params),
    code: "DAEMON_TIMEOUT",
    humanMessage:
      `the Faramesh daemon at ${place} did not decide in time (${what}); ` +
      "the tool was not run. See `faramesh status`; `timeoutMs` sets the limit",
    retryable: true,
  });
}

/** The request is longer than either side may send. */
export function tooLarge(params: Fields): ArgumentsInvalid {
  return new ArgumentsInvalid({
    ...whose(params),
    code: "ARGUMENTS_INVALID",
    humanMessage: "the arguments are larger than 1 MiB; the tool was not run",
  });
}

/** Which call a problem is about, as far as the request says. */
export function whose(params: Fields): DenialFields {
  const text = (name: string): string => (typeof params[name] === "string" ? params[name] : "");
  return { tool: text("tool"), callId: text("call_id"), agentId: text("agent") };
}
