import type { HostDependencies } from '../activities/dependencies.ts';
import { sweepHost } from '../activities/sweep-host.ts';
import { log } from './log.ts';

/** Sweeps the host at once and then every `sweepSeconds`, one sweep at a time. */
export class SweepTimer {
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void>;
  #sweeping = false;

  private constructor(dependencies: HostDependencies) {
    this.#running = this.#sweep(dependencies);
    this.#timer = setInterval(() => {
      // One that takes longer, for a repository that hangs, is not followed by all that it made wait.
      if (!this.#sweeping) this.#running = this.#sweep(dependencies);
    }, dependencies.inventory.sweepSeconds * 1_000);
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
    this.#sweeping = true;
    await sweepHost(dependencies, this.#stop.signal, {
      done: (vm, what) => log.info('swept', { vm, what }),
      trouble: (vm, error) =>
        log.warn('could not sweep', {
          vm,
          error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
        }),
    }).finally(() => (this.#sweeping = false));
  }
}
