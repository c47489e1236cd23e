import { rollbackBackup } from '../../../activities/rollback-backup.ts';
import { NotFreedError } from '../../../capture/errors.ts';
import { newRun, type Rig } from './rig.ts';

/** A run on its way: each step is the activity's own function, on the real machine. */
export abstract class OnTheWay<Step extends string, Plan> {
  readonly rig: Rig;
  readonly run = newRun();
  readonly #steps: readonly Step[];
  #done = 0;
  #plan: Plan | undefined;

  /** `steps` in their order. */
  constructor(rig: Rig, steps: readonly Step[]) {
    this.rig = rig;
    this.#steps = steps;
  }

  get plan(): Plan {
    if (!this.#plan) throw new Error('not planned yet');
    return this.#plan;
  }

  /** Goes on until that step is done. */
  async until(last: Step): Promise<this> {
    for (const step of this.#steps.slice(this.#done, this.#steps.indexOf(last) + 1)) {
      await this.#repeating(step);
      this.#done++;
    }
    return this;
  }

  /** As Temporal does: what QEMU takes long over on a busy machine is tried again. */
  async #repeating(step: Step): Promise<void> {
    for (let tries = 1; ; tries++)
      try {
        return await this.perform(step);
      } catch (error) {
        if (tries === 3 || !(error instanceof NotFreedError)) throw error;
      }
  }

  async rollback(): Promise<{ troubles: string[] }> {
    const { backupId, runId } = this.run;
    const { signal } = new AbortController();
    return rollbackBackup(this.rig.dependencies, { vm: 'vm', backupId, runId }, signal);
  }

  protected decided(plan: Plan): void {
    this.#plan = plan;
  }

  protected abstract perform(step: Step): Promise<void>;
}

/** What the workflow tells of an instant: the steps here were not frozen. */
export const unfrozen = {
  takenAt: new Date(0).toISOString(),
  consistency: 'crash' as const,
  frozenMs: 0,
  pausedMs: 0,
  warnings: [],
};
