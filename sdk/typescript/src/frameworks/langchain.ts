/**
 * Tools of LangChain.js, for LangGraph.js and `createAgent`: instances of `StructuredTool`.
 *
 * A governed tool is a copy with the same class, name and schema whose `_call` asks first and then runs on
 * the untouched original. A refusal is thrown; `ToolNode` hands it to the model as a `ToolMessage` with
 * status `error` unless it was told otherwise.
 */

import { copyWith } from "../copies.js";
import type { Enforcer } from "../enforcement.js";
import { type Settings, THROWN } from "../options.js";

type Call = (input: unknown, runManager?: unknown, config?: LangChainConfig) => unknown;

interface LangChainConfig {
  readonly toolCall?: { readonly id?: string };
  readonly signal?: AbortSignal;
  readonly configurable?: { readonly thread_id?: unknown; readonly faramesh?: unknown };
}

interface LangChainTool {
  readonly _call: Call;
  readonly func?: Call;
}

export function isLangChainTool(tool: unknown): tool is LangChainTool {
  if (typeof tool !== "object" || tool === null) return false;
  const functions = ["_call", "invoke"].every((name) => typeof Reflect.get(tool, name) === "function");
  return functions && Array.isArray(Reflect.get(tool, "lc_namespace"));
}

export function governLangChainTool(tool: LangChainTool, name: string, settings: Settings): LangChainTool {
  const enforcer = settings.enforcer(THROWN);
  const ask = (inner: Call): Call => asking(inner.bind(tool), name, settings, enforcer);
  const members: Record<string, unknown> = { _call: ask(tool._call) };
  // Some code reaches past `invoke` for the function itself.
  if (typeof tool.func === "function") members["func"] = ask(tool.func);
  return copyWith(tool, name, members);
}

function asking(inner: Call, name: string, settings: Settings, enforcer: Enforcer): Call {
  return (input, runManager, config) => {
    const context = config?.configurable;
    const origin = { id: config?.toolCall?.id, signal: config?.signal, thread: context?.thread_id, context };
    const args = (): unknown => settings.visible(typeof input === "object" && input !== null ? input : { input });
    return enforcer.run(name, args, () => inner(input, runManager, config), origin);
  };
}
