/**
 * Tools of OpenAI Agents: function tools with `invoke(runContext, json, details)`.
 *
 * The model reads a refusal as the tool's result, as it reads other errors of tools there; what no policy
 * said (a daemon that is away) is thrown and ends the run with a `ToolCallError`. The policy sees the arguments
 * as the model wrote them; defaults of the schema are filled in after that.
 *
 * `invoke` catches an exception of the tool and gives its `errorFunction`'s text. The outcome is an error when that
 * is the SDK's own text; of another `errorFunction` nothing shows that the tool failed.
 */

import { copyWith } from "../copies.js";
import { ArgumentsInvalid } from "../errors.js";
import { RETURNED, type Settings } from "../options.js";

interface Details {
  readonly toolCall?: { readonly callId?: string };
  readonly signal?: AbortSignal;
}

interface OpenAiTool {
  readonly invoke: (runContext: unknown, input: string, details?: Details) => Promise<unknown>;
}

export function isOpenAiTool(tool: unknown): tool is OpenAiTool {
  if (typeof tool !== "object" || tool === null) return false;
  return Reflect.get(tool, "type") === "function" && typeof Reflect.get(tool, "invoke") === "function";
}

export function governOpenAiTool(tool: OpenAiTool, name: string, settings: Settings): OpenAiTool {
  const enforcer = settings.enforcer(RETURNED);
  const inner = tool.invoke;
  const invoke: OpenAiTool["invoke"] = (runContext, input, details) =>
    enforcer.run(
      name,
      () => settings.visible(parsed(input)),
      () => inner.call(tool, runContext, input, details),
      {
        id: details?.toolCall?.callId,
        signal: details?.signal,
        context: (runContext as { readonly context?: unknown } | undefined)?.context,
        failureIn,
      },
    );
  return copyWith(tool, name, { invoke });
}

const FAILED = "An error occurred while running the tool.";

function failureIn(result: unknown): Error | undefined {
  return typeof result === "string" && result.startsWith(FAILED) ? new Error("the tool failed") : undefined;
}

function parsed(input: string): unknown {
  try {
    return input === "" ? {} : (JSON.parse(input) as unknown);
  } catch {
    throw new ArgumentsInvalid({
      code: "ARGUMENTS_INVALID",
      humanMessage: "the model's arguments are not JSON; the tool was not run",
    });
  }
}
