/**
 * A bounded number of requests under way; the others wait their turn, within their own time limit.
 */

/** Thrown when no slot came free in time. */
export class NoSlot extends Error {}

interface Waiter {
  readonly go: () => void;
}

/** As many holders as `count`, in the order of their coming. */
export class Slots {
  #free: number;
  readonly #waiting: Waiter[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves once a slot is held; rejects with `NoSlot` after `timeoutMs`, or with the signal's reason. */
  acquire(timeoutMs: number, signal?: AbortSignal): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free -= 1;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const leave = (problem: unknown): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) this.#waiting.splice(at, 1);
        if (problem === undefined) resolve();
        else reject(problem);
      };
      const aborted = (): void => leave(signal?.reason ?? new NoSlot());
      const waiter: Waiter = { go: () => leave(undefined) };
      const timer = setTimeout(() => leave(new NoSlot()), timeoutMs);
      signal?.addEventListener("abort", aborted, { once: true });
      this.#waiting.push(waiter);
    });
  }

  /** Gives a slot back, to the one who waits longest. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) next.go();
    else this.#free += 1;
  }
}
