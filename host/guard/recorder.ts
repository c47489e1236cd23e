import { writeFreezeRecord, type FreezeRecord } from '../freeze-record.ts';
import type { Freezer } from './freezer.ts';
import type { Lease } from './lease.ts';
import { messageOf } from './log.ts';
import type { Ward } from './release.ts';

const stateOf = {
  untouched: 'thawed',
  freezing: 'freezing',
  frozen: 'frozen',
  thawing: 'thawing',
  thawed: 'thawed',
  lost: 'thawing',
} as const;

/** Keeps `freeze.json` as the lease is, one write after another. */
export class Recorder {
  readonly #ward: Ward;
  readonly #lease: Lease;
  readonly #freezer: Freezer;
  #since = new Date();
  #last: Promise<void> = Promise.resolve();

  constructor(ward: Ward, lease: Lease, freezer: Freezer) {
    this.#ward = ward;
    this.#lease = lease;
    this.#freezer = freezer;
  }

  /** The lease starts to run now. */
  start(): void {
    this.#since = new Date();
  }

  /** Writes the state as it then is. There for every process when this resolves, with all that was to be written before. */
  async write(state: FreezeRecord['state'] = stateOf[this.#freezer.state]): Promise<void> {
    const { config, paths } = this.#ward;
    const { backupId, vm, maxFreezeSeconds } = config;
    const until = new Date(this.#since.getTime() + maxFreezeSeconds * 1_000);
    const record: FreezeRecord = {
      backupId,
      pid: process.pid,
      state,
      since: this.#since.toISOString(),
      until: until.toISOString(),
      frozenMs: this.#freezer.frozenMs,
      held: this.#lease.held && this.#freezer.held,
      thawTrouble: this.#freezer.thawTrouble,
      broken: this.#lease.broken,
    };
    const write = this.#last.then(() => writeFreezeRecord(paths, vm, record));
    this.#last = write.catch((error: unknown) => this.#ward.log(messageOf(error)));
    await write;
  }

  /** Resolves when all that was to be written is there. */
  async written(): Promise<void> {
    await this.#last;
  }

  /** The same where nobody waits for it. Trouble is in the log. */
  note(): void {
    void this.write().catch(() => undefined);
  }
}
