import type { Args, Returns } from '../../qemu/qmp/commands.ts';
import { Refusal } from './answering-qemu.ts';

type Job = Returns<'query-jobs'>[number] & {
  readonly nodes: readonly string[];
  /** Waits for its target: told to cancel, it goes on waiting. */
  hangs: boolean;
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
    const fresh = { type: 'backup', status: 'running', nodes: [], hangs: false, ...progress };
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
