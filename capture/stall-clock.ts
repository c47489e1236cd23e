import { performance } from 'node:perf_hooks';
import { TargetStalledError } from './errors.ts';

/** Throws when a figure that ought to grow has not changed for too long. */
export class StallClock {
  readonly #limitSeconds: number;
  #last: number | undefined;
  #sinceMs = 0;
  #silentMs = 0;

  constructor(limitSeconds: number) {
    this.#limitSeconds = limitSeconds;
  }

  /** For so long the copy is not to be heard of, besides. Its next progress ends it. */
  expectSilence(seconds: number): void {
    this.#silentMs = Math.max(this.#silentMs, seconds * 1_000);
  }

  see(doneBytes: number, nowMs: number = performance.now()): void {
    if (doneBytes !== this.#last) {
      this.#last = doneBytes;
      this.#sinceMs = nowMs;
      this.#silentMs = 0;
    } else if (nowMs - this.#sinceMs >= this.#limitSeconds * 1_000 + this.#silentMs) {
      throw new TargetStalledError(
        `the copy has made no progress for ${this.#limitSeconds} s at ${doneBytes} bytes: the target hangs; ` +
          'look at the repository, or raise targetStallSeconds',
      );
    }
  }
}
