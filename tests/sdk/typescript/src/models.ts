/** Models that say what a test wrote down, in the interface of the AI SDK's providers, and nothing else. */

/** One turn: a text, or calls of the tool `refund` with these arguments. */
export type Turn = string | { readonly amount: number };

/** The model, and the prompts that it was given. */
export interface Scripted {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each framework and version has its own type of it
  readonly model: any;
  readonly prompts: { role: string; content: unknown }[][];
}

let calls = 0;

/** A model that follows the interface `v2` or `v3` of the AI SDK's providers. */
export function scripted(version: "v2" | "v3", turns: readonly Turn[], toolName = "refund"): Scripted {
  const prompts: Scripted["prompts"] = [];
  const left = [...turns];
  const say = (prompt: Scripted["prompts"][number]) => {
    prompts.push(prompt);
    const turn = left.shift() ?? "done";
    if (typeof turn === "string") return answer(version, "stop", { type: "text", text: turn });
    calls += 1;
    const call = { type: "tool-call", toolCallId: `call-${calls}`, toolName, input: JSON.stringify(turn) };
    return answer(version, "tool-calls", call);
  };
  const model = {
    specificationVersion: version,
    provider: "scripted",
    modelId: "scripted",
    supportedUrls: {},
    doGenerate: async ({ prompt }: { prompt: never }) => say(prompt),
    doStream: async ({ prompt }: { prompt: never }) => ({ stream: streamed(say(prompt)) }),
  };
  return { model, prompts };
}

/** The results of tools in what the model was given last, as text. */
export function toolResults(prompts: Scripted["prompts"]): string[] {
  const messages = prompts.at(-1)?.filter(({ role }) => role === "tool") ?? [];
  const parts = messages.flatMap(({ content }) => content as { type: string; output: { value: unknown } }[]);
  return parts.filter(({ type }) => type === "tool-result").map(({ output }) => textOf(output.value));
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  const message: unknown = Reflect.get(Object(value), "message");
  return typeof message === "string" ? message : JSON.stringify(value);
}

function answer(version: string, reason: string, part: { type: string; [member: string]: unknown }) {
  const count = { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0, text: 1, reasoning: 0 };
  return {
    content: [part],
    warnings: [],
    finishReason: version === "v2" ? reason : { unified: reason, raw: reason },
    usage: version === "v2" ? { inputTokens: 1, outputTokens: 1, totalTokens: 2 } : { inputTokens: count, outputTokens: count },
  };
}

function streamed({ content, finishReason, usage }: ReturnType<typeof answer>): ReadableStream<unknown> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue({ type: "stream-start", warnings: [] });
      for (const part of content) {
        if (part.type !== "text") {
          controller.enqueue(part);
          continue;
        }
        controller.enqueue({ type: "text-start", id: "1" });
        controller.enqueue({ type: "text-delta", id: "1", delta: Reflect.get(part, "text") });
        controller.enqueue({ type: "text-end", id: "1" });
      }
      controller.enqueue({ type: "finish", finishReason, usage });
      controller.close();
    },
  });
}
