/** Whoever asks a guard: the same object for all questions of a connection. */
export type Asker = { left: boolean };

/**
 * `ready`: nothing taken yet. `armed`: a taker is at it. `taken`: the instant is over, and freeze and pause had held.
 * `broken`: it is over, they were given up before.
 */
export const phases = ['ready', 'armed', 'taken', 'broken'] as const;
export type Phase = (typeof phases)[number];

/** The promise that nothing moves until one taker has taken its instant. It ends once, held or broken. */
export class Lease {
  #phase: Phase = 'ready';
  #taker: Asker | undefined;
  #broken: string | undefined;

  get phase(): Phase {
    return this.#phase;
  }

  /** Why it broke; after a held instant, why the copy was given up. */
  get broken(): string | undefined {
    return this.#broken;
  }

  get held(): boolean {
    return this.#phase === 'taken';
  }

  /** Why no instant can be taken any more, if it is so. */
  get over(): string | undefined {
    if (this.#phase === 'broken') return `the lease is broken: ${this.#broken}`;
    return this.#phase === 'taken' ? 'the instant has been taken' : undefined;
  }

  /** Makes `asker` the taker. Returns the reason if it cannot be. */
  arm(asker: Asker): string | undefined {
    if (this.over !== undefined) return this.over;
    if (this.#phase === 'armed' && this.#taker !== asker) return 'another connection is the taker';
    this.#phase = 'armed';
    this.#taker = asker;
    return undefined;
  }

  /** The taker has its instant: tells whether the lease had held. May be called again. */
  take(asker: Asker): boolean {
    if (asker !== this.#taker) return false;
    if (this.#phase === 'armed') this.#phase = 'taken';
    return this.held;
  }

  isTaker(asker: Asker): boolean {
    return this.#phase === 'armed' && this.#taker === asker;
  }

  /** Ends it before the instant; after the instant, notes why the copy was given up. The first reason counts. */
  break(reason: string): void {
    if (this.#phase !== 'taken') this.#phase = 'broken';
    this.#broken ??= reason;
  }
}
