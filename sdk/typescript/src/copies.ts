/**
 * Governed copies of tools that are objects: same class, same fields, another function; the original stays
 * as it is. Also the mark by which a governed tool is known, so that nothing asks twice.
 */

const GOVERNED: unique symbol = Symbol.for("@faramesh/sdk.governed") as never;

/** The policy's name of a tool that is governed already; nothing for another one. */
export function governedName(tool: unknown): string | undefined {
  if ((typeof tool !== "object" && typeof tool !== "function") || tool === null) return undefined;
  const name: unknown = Reflect.get(tool, GOVERNED);
  return typeof name === "string" ? name : undefined;
}

/** Marks a tool as governed under this name. */
export function mark<Tool extends object>(tool: Tool, name: string): Tool {
  // Enumerable, so that a framework's `{ ...tool }` is known as governed too.
  Object.defineProperty(tool, GOVERNED, { value: name, enumerable: true, configurable: true });
  return tool;
}

/** A copy of `tool` with these members instead of its own. */
export function copyWith<Tool extends object>(tool: Tool, name: string, members: Record<string, unknown>): Tool {
  const copy = Object.create(Object.getPrototypeOf(tool) as object, Object.getOwnPropertyDescriptors(tool)) as Tool;
  for (const [key, value] of Object.entries(members)) {
    Object.defineProperty(copy, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return mark(copy, name);
}
