import { performance } from 'node:perf_hooks';
import { TargetStalledError } from './errors.ts';

/** Throws when a figure that ought to grow has not changed for too long. */
export class StallClock {
  readonly #limitSeconds: number;
  #last: number | undefined;
  #sinceMs = 0;

  constructor(limitSeconds: number) {
    this.#limitSeconds = limitSeconds;
  }

  see(doneBytes: number, nowMs: number = performance.now()): void {
    if (doneBytes !== this.#last) {
      this.#last = doneBytes;
      this.#sinceMs = nowMs;
    } else if (nowMs - this.#sinceMs >= this.#limitSeconds * 1_000) {
      throw new TargetStalledError(
        `the copy has made no progress for ${this.#limitSeconds} s at ${doneBytes} bytes: the target hangs; ` +
          'look at the repository, or raise targetStallSeconds',
      );
    }
  }
}
