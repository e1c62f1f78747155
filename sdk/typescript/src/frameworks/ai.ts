/**
 * Tools of the Vercel AI SDK: plain objects with `inputSchema` and `execute(input, { toolCallId, abortSignal })`.
 *
 * A refusal is thrown, which the AI SDK hands to the model as the tool's error (`tool-error`); the run goes on.
 */

import { copyWith } from "../copies.js";
import { notStreaming } from "../functions.js";
import { type Settings, THROWN } from "../options.js";
import { isAsyncGeneratorFunction, isAsyncIterable } from "../streams.js";

interface AiTool {
  readonly execute: (input: unknown, options?: Options) => unknown;
}

interface Options {
  readonly toolCallId?: string;
  readonly abortSignal?: AbortSignal;
  /** Version 7; `experimental_context` before. */
  readonly context?: unknown;
  readonly experimental_context?: unknown;
}

export function isAiTool(tool: unknown): tool is AiTool {
  if (typeof tool !== "object" || tool === null) return false;
  const described = "inputSchema" in tool || "parameters" in tool;
  return described && typeof Reflect.get(tool, "execute") === "function";
}

export function governAiTool(tool: AiTool, name: string, settings: Settings, streaming: boolean): AiTool {
  const enforcer = settings.enforcer(THROWN);
  const inner = tool.execute;
  // The AI SDK looks whether `execute` gives an async iterable before it awaits anything.
  const streams = streaming || isAsyncGeneratorFunction(inner);
  const execute: AiTool["execute"] = (input, options) => {
    const context = options?.context ?? options?.experimental_context;
    const origin = { id: options?.toolCallId, signal: options?.abortSignal, context };
    const args = (): unknown => settings.visible(input);
    if (streams) {
      return enforcer.stream(name, args, () => inner.call(tool, input, options) as AsyncGenerator, origin);
    }
    return enforcer.run(name, args, () => whole(inner.call(tool, input, options), name), origin);
  };
  return copyWith(tool, name, { execute });
}

function whole(result: unknown, name: string): unknown {
  if (isAsyncIterable(result) && !(result instanceof Promise)) {
    notStreaming(result, name);
    throw new TypeError(`\`${name}\` returned an async iterable; name it in \`streaming\`, and it stays one`);
  }
  return result;
}
