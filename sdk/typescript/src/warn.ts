/**
 * What the SDK tells a developer without stopping anything: one line on `console.warn`, each text once.
 *
 * Texts never hold argument values.
 */

const MAX_TEXTS = 100;
const said = new Set<string>();

/** Says `text` once per process. */
export function warnOnce(text: string): void {
  if (said.has(text) || said.size >= MAX_TEXTS) return;
  said.add(text);
  console.warn(`faramesh: ${text}`);
}
