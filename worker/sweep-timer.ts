import type { HostDependencies } from '../activities/dependencies.ts';
import { sweepHost } from '../activities/sweep-host.ts';
import { log } from './log.ts';

const everyMs = 5 * 60_000;

/** Sweeps the host at once and every five minutes, one sweep at a time. */
export class SweepTimer {
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void>;

  private constructor(dependencies: HostDependencies) {
    this.#running = this.#sweep(dependencies);
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(() => this.#sweep(dependencies));
    }, everyMs);
  }

  static start(dependencies: HostDependencies): SweepTimer {
    return new SweepTimer(dependencies);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#running;
  }

  async #sweep(dependencies: HostDependencies): Promise<void> {
    await sweepHost(dependencies, this.#stop.signal, {
      done: (vm, what) => log.info('swept', { vm, what }),
      trouble: (vm, error) =>
        log.warn('could not sweep', {
          vm,
          error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
        }),
    });
  }
}
