/** A moment after which something happens unless it was called off. Counts by the monotonic clock. */
export class Deadline {
  readonly #ms: number;
  readonly #onPassed: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at = 0;
  #passed = false;

  constructor(ms: number, onPassed: () => void) {
    this.#ms = ms;
    this.#onPassed = onPassed;
  }

  /** Starts the clock unless it runs already. */
  start(): void {
    if (this.#timer) return;
    this.#at = performance.now() + this.#ms;
    this.#timer = setTimeout(() => {
      this.#passed = true;
      this.#onPassed();
    }, this.#ms);
  }

  /** Calls it off. It may be started again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#passed = false;
  }

  /** Whether it was started and not called off. It goes on to say so when it has passed. */
  get runs(): boolean {
    return this.#timer !== undefined;
  }

  /** What is left of it; all of it when it does not run. */
  get leftMs(): number {
    return this.#timer ? Math.max(0, this.#at - performance.now()) : this.#ms;
  }

  get passed(): boolean {
    return this.#passed;
  }
}
