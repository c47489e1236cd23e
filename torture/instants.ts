import { setTimeout as delay } from 'node:timers/promises';
import { setSpeed } from '../lab/copy-jobs.ts';
import { slowCopies, takesInstant } from '../lab/copies-started.ts';
import type { Command, Onlooker } from '../lab/relay-qmp.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import type { Content } from './disk-model.ts';
import type { Disk } from './disk.ts';
import { Gate } from './gate.ts';

/** What every disk that was plugged in had to hold at one moment, by its place. */
export type Instant = ReadonlyMap<number, Content>;

/** Sees each command of a backup, and may take the time to do something to it. */
export type Watch = {
  see(command: Command, when: 'before' | 'after'): Promise<void>;
  readonly slow: boolean;
};

const slowBytesPerSecond = 512 * 1024;
const slowMs = 250;

/**
 * The oracle's clock. It sees the instant of a backup go by: with a shield that is the `stop`, without one the start of
 * the jobs, straight from the disks. Then it waits for the write that is on its way, notes what the disks must hold, and
 * lets no write begin until the VM runs on. So writes go on beside all other parts of a backup.
 */
export class Instants implements Onlooker {
  /** Every write of the guest goes through it. */
  readonly gate = new Gate();
  readonly taken: Instant[] = [];
  /** The gate is closed, and no write is on its way. */
  standsStill = false;
  watch: Watch | undefined;
  readonly #machine: { readonly labQmp: QmpClient };
  readonly #plugged: () => readonly Disk[];
  readonly #answers = new Map<Command, () => void>();

  constructor(machine: { readonly labQmp: QmpClient }, plugged: () => readonly Disk[]) {
    this.#machine = machine;
    this.#plugged = plugged;
  }

  async before(command: Command): Promise<string> {
    await this.watch?.see(command, 'before');
    if (command.name === 'stop' || takesInstant(command)) await this.#take(command);
    return this.#isSlow(command) ? slowCopies(command.line, slowBytesPerSecond) : command.line;
  }

  async after(command: Command): Promise<void> {
    await this.watch?.see(command, 'after');
    this.#answers.get(command)?.();
    if (this.#isSlow(command))
      setTimeout(() => void this.#speedUp().catch(() => undefined), slowMs);
  }

  async #take(command: Command): Promise<void> {
    const leave = await this.gate.enter();
    this.standsStill = true;
    this.taken.push(new Map(this.#plugged().map(({ index, model }) => [index, model.content()])));
    const answered = new Promise<void>((resolve) => this.#answers.set(command, resolve));
    const over = async () => {
      await Promise.race([answered, command.hungUp]);
      this.#answers.delete(command);
      if (command.name === 'stop') await this.#untilItRuns();
      this.standsStill = false;
      leave();
    };
    void over();
  }

  async #untilItRuns(): Promise<void> {
    const { labQmp } = this.#machine;
    try {
      while (!(await labQmp.execute('query-status', {})).running) await delay(10);
    } catch {
      // QEMU is gone.
    }
  }

  #isSlow({ name, copied }: Command): boolean {
    return this.watch?.slow === true && name === 'transaction' && copied.length > 0;
  }

  async #speedUp(): Promise<void> {
    const jobs = await this.#machine.labQmp.execute('query-jobs', {});
    const ours = jobs.map(({ id }) => id).filter((id) => /^sp-.*[jk]$/.test(id));
    await setSpeed(this.#machine.labQmp, ours, '0');
  }
}
