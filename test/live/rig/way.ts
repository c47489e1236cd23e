import { carryTrackingOver } from '../../../activities/carry-over.ts';
import { commitBackup } from '../../../activities/commit-backup.ts';
import { freezeGuest } from '../../../activities/freeze-guest.ts';
import { planBackup } from '../../../activities/plan-backup.ts';
import { prepareTargets } from '../../../activities/prepare-targets.ts';
import { publishBackup } from '../../../activities/publish-backup.ts';
import { rollbackBackup } from '../../../activities/rollback-backup.ts';
import { startCopy } from '../../../activities/start-copy.ts';
import { takeInstant } from '../../../activities/take-instant.ts';
import { thawGuest } from '../../../activities/thaw-guest.ts';
import { watchCopy } from '../../../activities/watch-copy.ts';
import type { Freeze } from '../../../model/instant.ts';
import type { BackupPlan } from '../../../model/plan.ts';
import { BackupRequest } from '../../../model/request.ts';
import type { BackupResult } from '../../../model/result.ts';
import { copyDisks, type Oracle } from './oracle.ts';
import { newRun, type Rig } from './rig.ts';

const { signal } = new AbortController();

/** The steps of a backup on its host, in their order. */
export const steps = [
  'planBackup',
  'prepareTargets',
  'freezeGuest',
  'takeInstant',
  'thawGuest',
  'startCopy',
  'watchCopy',
  'commitBackup',
  'publishBackup',
] as const;
export type Step = (typeof steps)[number];

/** Whether a run that died after that step has spent the segments that it read: the next backup is then full. */
export function spends({ tier }: BackupPlan, last: Step): boolean {
  return tier === 'grouped' && ['watchCopy', 'commitBackup'].includes(last);
}

/** A backup on its way: each step is the activity's own function, on the real machine. */
export class Way {
  readonly rig: Rig;
  readonly run: ReturnType<typeof newRun>;
  readonly #request: Partial<BackupRequest>;
  #done = 0;
  #plan: BackupPlan | undefined;
  #freeze: Freeze | undefined;
  #result: BackupResult | undefined;

  constructor(rig: Rig, request: Partial<BackupRequest> = {}) {
    this.rig = rig;
    this.run = newRun();
    this.#request = request;
  }

  get plan(): BackupPlan {
    if (!this.#plan) throw new Error('not planned yet');
    return this.#plan;
  }

  /** What the freeze came to, once the instant is taken. */
  get freeze(): Freeze | undefined {
    return this.#freeze;
  }

  /** Puts another plan in the place of the one that was made. */
  replan(changes: Partial<BackupPlan>): void {
    this.#plan = { ...this.plan, ...changes };
  }

  /** Goes on until that step is done. */
  async until(last: Step): Promise<this> {
    for (const step of steps.slice(this.#done, steps.indexOf(last) + 1)) {
      await this.#perform(step);
      this.#done++;
    }
    return this;
  }

  /** Goes on until the guest is thawed. What the disks held then: of a machine whose guest does not write meanwhile. */
  async toInstant(): Promise<Oracle> {
    await this.until('thawGuest');
    return copyDisks(this.rig, this.plan);
  }

  async toEnd(): Promise<BackupResult> {
    await this.until('publishBackup');
    if (!this.#result) throw new Error('nothing was published');
    return this.#result;
  }

  async rollback(): Promise<{ troubles: string[] }> {
    const { backupId, runId } = this.run;
    return rollbackBackup(this.rig.dependencies, { vm: 'vm', backupId, runId }, signal);
  }

  async #perform(step: Step): Promise<void> {
    const { dependencies } = this.rig;
    if (step === 'planBackup') {
      const request = BackupRequest.parse({ vm: 'vm', ...this.#request });
      const input = { request, ...this.run };
      this.#plan = await planBackup(dependencies, input, signal);
      if (!this.#plan.disks.some(({ below }) => below)) return;
      const { troubles } = await carryTrackingOver(dependencies, this.#plan, signal, () => {});
      this.#plan = await planBackup(dependencies, { ...input, carried: troubles }, signal);
    } else if (step === 'publishBackup') {
      const { runId, workflowId } = this.run;
      const published = { plan: this.plan, instant, runId, workflowId };
      this.#result = await publishBackup(dependencies, published, signal);
    } else if (step === 'takeInstant')
      this.#freeze = (await takeInstant(dependencies, this.plan, signal)).freeze;
    else if (step === 'watchCopy') await watchCopy(dependencies, this.plan, signal, () => {});
    else await planned[step](dependencies, this.plan, signal);
  }
}

/** The steps whose only input is the plan. */
const planned = { prepareTargets, freezeGuest, thawGuest, startCopy, commitBackup };

const instant = {
  takenAt: new Date(0).toISOString(),
  consistency: 'crash' as const,
  frozenMs: 0,
  pausedMs: 0,
  warnings: [],
};
