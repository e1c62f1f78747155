/**
 * `governedTools` and `governed`: tools that ask Faramesh before they run.
 *
 * A tool is known by its shape, so no framework is imported here. One that cannot be governed is an error,
 * never passed on as it is.
 */

import { governedName } from "./copies.js";
import { governAiTool, isAiTool } from "./frameworks/ai.js";
import { governLangChainTool, isLangChainTool } from "./frameworks/langchain.js";
import { governMastraTool, isMastraTool } from "./frameworks/mastra.js";
import { governOpenAiTool, isOpenAiTool } from "./frameworks/openai-agents.js";
import { type AnyFunction, governFunction, type GovernedFunction } from "./functions.js";
import { type GovernOptions, Settings } from "./options.js";

/** The options for a set of tools. */
export interface GovernedToolsOptions extends GovernOptions {
  /** The parameters' names of plain functions that take more than one object: `{ refund: ["order", "amount"] }`. */
  readonly params?: Readonly<Record<string, readonly string[]>>;
  /** Tools that return an async iterable without being written as `async function*`, by their own names. */
  readonly streaming?: readonly string[];
}

/** The options for one function. */
export interface GovernedOptions extends Omit<GovernOptions, "names"> {
  /** The policy's name of the function; its own when left out. */
  readonly name?: string;
  /** The names of its parameters, in order; not needed for a function that takes one object. */
  readonly params?: readonly string[];
  /** It returns an async iterable without being written as `async function*`. */
  readonly streaming?: boolean;
}

/** A tool after governing: functions give promises, everything else keeps its type. */
export type GovernedTool<Tool> = Tool extends AnyFunction ? GovernedFunction<Tool> : Tool;

/** The same array or record, with governed tools. */
export type GovernedTools<Tools> = { [Key in keyof Tools]: GovernedTool<Tools[Key]> };

/**
 * The given tools, each so that a call runs only after a permit, in the same shape: a record for the AI SDK
 * and Mastra, an array for LangChain, LangGraph and OpenAI Agents, either for plain functions. The given
 * tools stay as they are.
 */
export function governedTools<Tools extends readonly unknown[] | object>(
  tools: Tools,
  options: GovernedToolsOptions = {},
): GovernedTools<Tools> {
  const settings = new Settings(options);
  const seen = new Set<string>();
  const govern = (tool: unknown, ownName: string): unknown => {
    if (seen.has(ownName)) throw new TypeError(`two tools are called \`${ownName}\``);
    seen.add(ownName);
    return governOne(tool, ownName, settings, options);
  };
  const result: unknown = Array.isArray(tools)
    ? tools.map((tool: unknown) => govern(tool, nameOf(tool)))
    : Object.fromEntries(Object.entries(tools).map(([key, tool]) => [key, govern(tool, key)]));
  const listing = [...seen].map((name) => `\`${name}\``).join(", ") || "none";
  for (const option of ["names", "params"] as const) {
    const unknown = Object.keys(options[option] ?? {}).find((name) => !seen.has(name));
    if (unknown) throw new TypeError(`\`${option}\` has no tool called \`${unknown}\`; the tools are ${listing}`);
  }
  return result as GovernedTools<Tools>;
}

/** One function that asks first: `governed(refund, { name: "stripe/refund" })`. */
export function governed<Inner extends AnyFunction>(inner: Inner, options: GovernedOptions = {}): GovernedFunction<Inner> {
  if (typeof inner !== "function") throw new TypeError("`governed` takes a function; for other tools there is `governedTools`");
  const { name, params, streaming, ...rest } = options;
  const settings = new Settings(rest);
  return governFunction(inner, { name: name ?? policyName(inner, nameOf(inner), {}), params, streaming }, settings);
}

function governOne(tool: unknown, ownName: string, settings: Settings, options: GovernedToolsOptions): unknown {
  if (governedName(tool) !== undefined) return tool;
  const name = policyName(tool, ownName, settings.names);
  const streaming = options.streaming?.includes(ownName) ?? false;
  if (typeof tool === "function") {
    return governFunction(tool as AnyFunction, { name, params: options.params?.[ownName], streaming }, settings);
  }
  if (isMastraTool(tool)) return governMastraTool(tool, name, settings);
  if (isLangChainTool(tool)) return governLangChainTool(tool, name, settings);
  if (isOpenAiTool(tool)) return governOpenAiTool(tool, name, settings);
  if (isAiTool(tool)) return governAiTool(tool, name, settings, streaming);
  throw new TypeError(
    `cannot govern \`${ownName}\`: it is no function and no tool that runs here. What a provider or the ` +
      "browser runs is out of this process's hands; leave it out of `governedTools` and know that it is not governed",
  );
}

function nameOf(tool: unknown): string {
  const fields = tool as { name?: unknown; id?: unknown; governedName?: unknown } | null | undefined;
  for (const name of [fields?.name, fields?.id, fields?.governedName]) {
    if (typeof name === "string" && name) return name;
  }
  throw new TypeError("a tool without a name cannot be governed; give it one, or use a record of tools");
}

/** `names`, then what the tool itself says, then its own name. */
function policyName(tool: unknown, ownName: string, names: Readonly<Record<string, string>>): string {
  const fields = tool as { governedName?: unknown; metadata?: { governed_name?: unknown } } | null | undefined;
  const said = [
    Object.hasOwn(names, ownName) ? names[ownName] : undefined,
    fields?.metadata?.governed_name,
    fields?.governedName,
  ];
  return said.find((name): name is string => typeof name === "string" && name !== "") ?? ownName;
}
