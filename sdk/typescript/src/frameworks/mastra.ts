/**
 * Tools of Mastra: instances of its `Tool`, with `execute(input, context)` since version 1 and
 * `execute({ context, … }, options)` before.
 *
 * A refusal is thrown, which Mastra hands to the model as the tool's error; the run goes on.
 */

import { copyWith } from "../copies.js";
import { type Settings, THROWN } from "../options.js";

const SINCE_VERSION_1 = Symbol.for("mastra.core.tool.Tool");

interface Context {
  readonly context?: unknown;
  readonly toolCallId?: string;
  readonly abortSignal?: AbortSignal;
  readonly agent?: { readonly toolCallId?: string; readonly threadId?: string };
  /** Since version 1; `runtimeContext`, beside `context`, before. */
  readonly requestContext?: unknown;
  readonly runtimeContext?: unknown;
}

interface MastraTool {
  readonly id: string;
  readonly execute: (first: unknown, second?: Context) => unknown;
}

export function isMastraTool(tool: unknown): tool is MastraTool {
  if (typeof tool !== "object" || tool === null || typeof Reflect.get(tool, "execute") !== "function") return false;
  return SINCE_VERSION_1 in tool || (typeof Reflect.get(tool, "id") === "string" && "suspendSchema" in tool);
}

export function governMastraTool(tool: MastraTool, name: string, settings: Settings): MastraTool {
  const enforcer = settings.enforcer(THROWN);
  const inner = tool.execute;
  const current = SINCE_VERSION_1 in tool;
  const execute: MastraTool["execute"] = (first, second) => {
    const before = current ? undefined : (first as Context | undefined);
    const input = current ? first : before?.context;
    const origin = {
      id: second?.agent?.toolCallId ?? second?.toolCallId,
      signal: second?.abortSignal,
      thread: second?.agent?.threadId,
      context: second?.requestContext ?? before?.runtimeContext,
    };
    return enforcer.run(
      name,
      () => settings.visible(input ?? {}),
      () => inner.call(tool, first, second),
      origin,
    );
  };
  return copyWith(tool, name, { execute });
}
