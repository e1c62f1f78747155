/**
 * Who is calling and how long a decision may take, from options and the environment.
 *
 * Reads `process.env` where there is one, without importing anything.
 */

export const DEFAULT_TIMEOUT_MS = 5000;

/** A variable of the environment without the white space around it; empty where there is none. */
export function variable(name: string): string {
  const host = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return host.process?.env?.[name]?.trim() ?? "";
}

/** How long one request may take: the option, `FARAMESH_TIMEOUT_MS`, else 5 s. */
export function timeoutOf(explicit?: number): number {
  if (explicit !== undefined) {
    if (!(explicit > 0)) throw new RangeError(`\`timeoutMs\` must be more than 0, not ${explicit}`);
    return explicit;
  }
  const text = variable("FARAMESH_TIMEOUT_MS");
  if (!text) return DEFAULT_TIMEOUT_MS;
  if (!/^[0-9]+$/.test(text) || Number(text) === 0) {
    throw new RangeError(`FARAMESH_TIMEOUT_MS must be a whole number above 0, not \`${text}\``);
  }
  return Number(text);
}

/** The HTTP door that the environment names, unless it names a socket before it. */
export function doorOfEnvironment(): { readonly url: string; readonly token: string | undefined } | undefined {
  const url = variable("FARAMESH_URL");
  if (!url || variable("FARAMESH_SOCKET")) return undefined;
  return { url, token: variable("FARAMESH_TOKEN") || undefined };
}

/** The agent's name, or empty when the daemon knows the agent by its process. */
export function agentIdOf(explicit?: string): string {
  return explicit || variable("FARAMESH_AGENT_ID");
}

/** The session's name, or empty for the daemon's own notion of one. */
export function sessionIdOf(explicit?: string): string {
  return explicit || variable("FARAMESH_SESSION_ID");
}
