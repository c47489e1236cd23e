import { setTimeout as delay } from 'node:timers/promises';

/** So soon another speed is noticed. */
const lookMs = 200;

/** Spreads what is to be carried over time. */
export class Pace {
  readonly #bytesPerSecond: () => number;
  readonly #signal: AbortSignal;
  #turn: Promise<void> = Promise.resolve();

  /** The speed is asked for again and again: 0 is no limit. */
  constructor(bytesPerSecond: () => number, signal: AbortSignal) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#signal = signal;
  }

  /** Resolves when so many bytes may go: after all that were here before, and after the time that they take. */
  async wait(bytes: number): Promise<void> {
    const before = this.#turn;
    this.#turn = (async () => {
      await before;
      await this.#spend(bytes);
    })();
    return this.#turn;
  }

  async #spend(bytes: number): Promise<void> {
    for (let left = bytes; left > 0;) {
      const speed = this.#bytesPerSecond();
      if (speed === 0) return;
      const ms = Math.min(lookMs, (1_000 * left) / speed);
      await delay(ms, undefined, { signal: this.#signal });
      left -= (ms * speed) / 1_000;
    }
  }
}
