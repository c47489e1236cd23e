import { commitBackup } from '../../../activities/commit-backup.ts';
import { freezeGuest } from '../../../activities/freeze-guest.ts';
import { planBackup } from '../../../activities/plan-backup.ts';
import { prepareTargets } from '../../../activities/prepare-targets.ts';
import { publishBackup } from '../../../activities/publish-backup.ts';
import { startCopy } from '../../../activities/start-copy.ts';
import { takeInstant } from '../../../activities/take-instant.ts';
import { thawGuest } from '../../../activities/thaw-guest.ts';
import { watchCopy } from '../../../activities/watch-copy.ts';
import type { BackupPlan } from '../../../model/plan.ts';
import { BackupRequest } from '../../../model/request.ts';
import type { BackupResult } from '../../../model/result.ts';
import { copyDisks, type Oracle } from './oracle.ts';
import { newRun, type Rig } from './rig.ts';

const { signal } = new AbortController();

/** A backup on its way: each step is the activity's own function, on the real machine. */
export class Way {
  readonly rig: Rig;
  readonly run: ReturnType<typeof newRun>;
  #plan: BackupPlan | undefined;

  constructor(rig: Rig) {
    this.rig = rig;
    this.run = newRun();
  }

  get plan(): BackupPlan {
    if (!this.#plan) throw new Error('not planned yet');
    return this.#plan;
  }

  async toPlan(request: Partial<BackupRequest> = {}): Promise<this> {
    const input = { request: BackupRequest.parse({ vm: 'vm', ...request }), ...this.run };
    this.#plan = await planBackup(this.rig.dependencies, input, signal);
    return this;
  }

  async toTargets(request: Partial<BackupRequest> = {}): Promise<this> {
    if (!this.#plan) await this.toPlan(request);
    await prepareTargets(this.rig.dependencies, this.plan, signal);
    return this;
  }

  /** Until the instant, and the guest thawed. The oracle is of a machine whose guest does not write meanwhile. */
  async toInstant(request: Partial<BackupRequest> = {}): Promise<{ way: Way; oracle: Oracle }> {
    await this.toTargets(request);
    const { dependencies } = this.rig;
    await freezeGuest(dependencies, this.plan, signal);
    await takeInstant(dependencies, this.plan, signal);
    await thawGuest(dependencies, this.plan, signal);
    return { way: this, oracle: await copyDisks(this.rig, this.plan) };
  }

  async toCopy(): Promise<this> {
    await startCopy(this.rig.dependencies, this.plan, signal);
    return this;
  }

  async toEnd(): Promise<BackupResult> {
    const { dependencies } = this.rig;
    await watchCopy(dependencies, this.plan, signal, () => {});
    await commitBackup(dependencies, this.plan, signal);
    const instant = {
      takenAt: new Date(0).toISOString(),
      consistency: 'crash' as const,
      frozenMs: 0,
      pausedMs: 0,
      warnings: [],
    };
    const { runId, workflowId } = this.run;
    return publishBackup(dependencies, { plan: this.plan, instant, runId, workflowId }, signal);
  }
}
