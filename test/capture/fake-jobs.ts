import type { Args, Returns } from '../../qemu/qmp/commands.ts';
import { Refusal } from './answering-qemu.ts';

type Job = Returns<'query-jobs'>[number] & {
  readonly nodes: readonly string[];
  /** Waits for its target: told to cancel, it goes on waiting. */
  hangs: boolean;
  /** QEMU has paused it for an error, and does so again whenever it is resumed. */
  halts: boolean;
  /** In bytes per second; 0 is no limit. */
  speed: number;
};

/** The jobs of a QEMU. They go on by what a test does to them. */
export class FakeJobs {
  readonly #changed: () => void;
  #jobs: Job[] = [];

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get all(): readonly Job[] {
    return this.#jobs;
  }

  start({ 'job-id': id, device, target }: Args<'blockdev-backup'>): void {
    this.put(id, { nodes: [device, target] });
    this.#changed();
  }

  put(id: string, is: Partial<Job> = {}): void {
    const progress = { 'current-progress': 0, 'total-progress': 65_536 };
    const fresh = {
      type: 'backup',
      status: 'running',
      nodes: [],
      hangs: false,
      halts: false,
      speed: 0,
      ...progress,
    };
    this.#jobs.push({ ...fresh, id, ...is });
  }

  change(id: string, is: Partial<Job>): void {
    Object.assign(this.#one(id), is);
    this.#changed();
  }

  vanish(id: string): void {
    this.#jobs = this.#jobs.filter((job) => job.id !== id);
    this.#changed();
  }

  cancel({ id }: { id: string }): void {
    const job = this.#one(id);
    if (job.status === 'concluded') throw new Refusal(`Job '${id}' in state 'concluded'`);
    if (!job.hangs) this.change(id, { status: 'concluded', error: 'Operation canceled' });
  }

  /** As `query-block-jobs` shows them. */
  get ofBlocks(): Returns<'query-block-jobs'> {
    return this.#jobs.map(({ id: device, type, status, halts: paused, speed }) => ({
      device,
      type,
      status,
      len: 65_536,
      offset: 0,
      busy: false,
      speed,
      paused,
      'io-status': paused ? 'failed' : 'ok',
    }));
  }

  resume({ id }: { id: string }): void {
    this.change(id, { status: 'running' });
    if (this.#one(id).halts) this.change(id, { status: 'paused' });
  }

  finalize({ id }: { id: string }): void {
    if (this.#one(id).status !== 'pending') throw new Refusal(`Job '${id}' is not pending`);
    if (!this.#one(id).hangs) this.change(id, { status: 'concluded' });
  }

  dismiss({ id }: { id: string }): void {
    if (this.#one(id).status !== 'concluded') throw new Refusal(`Job '${id}' is not concluded`);
    this.vanish(id);
  }

  /** The connection of a target is cut: its jobs fail. */
  cut(node: string): void {
    for (const { id, nodes, status } of this.#jobs)
      if (nodes.includes(node) && status !== 'concluded')
        this.change(id, { status: 'concluded', error: 'Input/output error', hangs: false });
  }

  /** Whether a job still holds a node: until it has concluded. */
  hold(node: string): boolean {
    return this.#jobs.some(({ nodes, status }) => status !== 'concluded' && nodes.includes(node));
  }

  #one(id: string): Job {
    const job = this.#jobs.find((one) => one.id === id);
    if (!job) throw new Refusal(`Job '${id}' not found`);
    return job;
  }
}
