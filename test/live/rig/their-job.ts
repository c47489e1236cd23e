import type { Machine } from '../../../lab/machine.ts';
import { eventually } from '../../host/eventually.ts';
import { sendRaw } from './send-raw.ts';

const id = 'theirs';

/** A block job of somebody else. Its events tell of it: below QEMU 3.0 it is gone when it has ended. */
export class TheirJob {
  readonly #machine: Machine;
  readonly #stopListening: () => void;
  #ready = false;
  /** What it ended with, if it has ended; empty for no error. */
  #end: unknown;

  private constructor(machine: Machine) {
    this.#machine = machine;
    this.#stopListening = machine.labQmp.listen(({ event, data }) => {
      if (data['device'] !== id) return;
      if (event === 'BLOCK_JOB_READY') this.#ready = true;
      if (event === 'BLOCK_JOB_CANCELLED') this.#end = 'was cancelled';
      if (event === 'BLOCK_JOB_COMPLETED') this.#end = data['error'] ?? '';
    });
  }

  static async start(
    machine: Machine,
    command: 'block-commit' | 'block-stream' | 'blockdev-mirror',
    args: Readonly<Record<string, unknown>>,
  ): Promise<TheirJob> {
    const job = new TheirJob(machine);
    await sendRaw(machine, command, { ...args, 'job-id': id });
    return job;
  }

  /** Waits until it is in step with its target. */
  async isReady(): Promise<void> {
    await eventually(() => this.#ready);
  }

  /** Lets one that is in step come to its end. */
  async complete(): Promise<void> {
    await this.isReady();
    const { labQmp } = this.#machine;
    if (labQmp.lacks('job-complete'))
      await sendRaw(this.#machine, 'block-job-complete', { device: id });
    else await labQmp.execute('job-complete', { id });
    await this.hasEnded();
  }

  /** Waits for its end; an error if that is not a good one. */
  async hasEnded(): Promise<void> {
    await eventually(() => this.#end !== undefined);
    this.#stopListening();
    if (this.#end !== '') throw new Error(`a job of somebody else: ${JSON.stringify(this.#end)}`);
  }
}
