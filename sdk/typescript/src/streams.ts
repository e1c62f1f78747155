/**
 * Results that come bit by bit: the run has ended when the last bit was read, and not before.
 *
 * A result keeps its identity and its class where that is possible: iterators and iterables are watched in
 * place, a `ReadableStream` is passed through another one. Nothing is read ahead.
 */

type End = (problem?: { readonly error: unknown }) => void;

/** Whether iterating over `value` is asynchronous. */
export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, Symbol.asyncIterator) === "function";
}

/** Whether calling `run` gives an async generator. */
export function isAsyncGeneratorFunction(run: unknown): boolean {
  return tagOf(run) === "AsyncGeneratorFunction";
}

/** Whether calling `run` gives a plain generator. */
export function isGeneratorFunction(run: unknown): boolean {
  return tagOf(run) === "GeneratorFunction";
}

/** `result` with `end` called once, when it was read to its end, left early, or failed. */
export function watched<Result>(result: Result, end: End): Result {
  if (typeof ReadableStream !== "undefined" && result instanceof ReadableStream) {
    return passed(result, end) as Result;
  }
  if (!isAsyncIterable(result)) {
    end();
    return result;
  }
  const done = once(end);
  const inPlace = "next" in result ? watchIterator(result, done) : watchIterable(result, done);
  // A frozen object cannot be watched: its reading counts as the consumer's work.
  if (!inPlace) done();
  return result;
}

function once(end: End): End {
  let ended = false;
  return (problem) => {
    if (ended) return;
    ended = true;
    end(problem);
  };
}

function watchIterator(iterator: object, end: End): boolean {
  const inner = iterator as Partial<AsyncIterator<unknown>>;
  const methods = ["next", "return", "throw"] as const;
  return methods.every((name) => {
    const method = inner[name] as ((value?: unknown) => Promise<IteratorResult<unknown>>) | undefined;
    if (!method) return true;
    return replace(iterator, name, async (...given: [unknown?]) => {
      try {
        const step = await method.apply(iterator, given);
        if (step.done || name === "return") end();
        return step;
      } catch (error) {
        end({ error });
        throw error;
      }
    });
  });
}

function watchIterable(iterable: AsyncIterable<unknown>, end: End): boolean {
  const iterate = iterable[Symbol.asyncIterator].bind(iterable);
  return replace(iterable, Symbol.asyncIterator, () => {
    const iterator = iterate();
    watchIterator(iterator, end);
    return iterator;
  });
}

function replace(target: object, name: PropertyKey, value: unknown): boolean {
  return Reflect.defineProperty(target, name, { value, configurable: true, writable: true });
}

function passed(stream: ReadableStream<unknown>, end: End): ReadableStream<unknown> {
  const reader = stream.getReader();
  return new ReadableStream<unknown>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          end();
          controller.close();
        } catch (error) {
          end({ error });
          controller.error(error);
        }
      },
      async cancel(reason) {
        end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function tagOf(value: unknown): string {
  if (typeof value !== "function") return "";
  return String(Reflect.get(value, Symbol.toStringTag) ?? "");
}
