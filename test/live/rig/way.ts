import { carryTrackingOver } from '../../../activities/carry-over.ts';
import { commitBackup } from '../../../activities/commit-backup.ts';
import { freezeGuest } from '../../../activities/freeze-guest.ts';
import { planBackup } from '../../../activities/plan-backup.ts';
import { prepareTargets } from '../../../activities/prepare-targets.ts';
import { publishBackup } from '../../../activities/publish-backup.ts';
import { startCopy } from '../../../activities/start-copy.ts';
import { takeInstant } from '../../../activities/take-instant.ts';
import { thawGuest } from '../../../activities/thaw-guest.ts';
import { watchCopy } from '../../../activities/watch-copy.ts';
import type { Freeze } from '../../../model/instant.ts';
import type { BackupPlan } from '../../../model/plan.ts';
import { BackupRequest } from '../../../model/request.ts';
import type { BackupResult } from '../../../model/result.ts';
import { OnTheWay, unfrozen } from './on-the-way.ts';
import { copyDisks, type Oracle } from './oracle.ts';
import type { Rig } from './rig.ts';

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

/** A backup on its way. */
export class Way extends OnTheWay<Step, BackupPlan> {
  readonly #request: Partial<BackupRequest>;
  #freeze: Freeze | undefined;
  #result: BackupResult | undefined;

  constructor(rig: Rig, request: Partial<BackupRequest> = {}) {
    super(rig, steps);
    this.#request = request;
  }

  /** What the freeze came to, once the instant is taken. */
  get freeze(): Freeze | undefined {
    return this.#freeze;
  }

  /** Puts another plan in the place of the one that was made. */
  replan(changes: Partial<BackupPlan>): void {
    this.decided({ ...this.plan, ...changes });
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

  protected override async perform(step: Step): Promise<void> {
    const { dependencies } = this.rig;
    if (step === 'planBackup') {
      const request = BackupRequest.parse({ vm: 'vm', ...this.#request });
      const input = { request, ...this.run };
      this.decided(await planBackup(dependencies, input, signal));
      if (!this.plan.disks.some(({ below }) => below)) return;
      const { troubles } = await carryTrackingOver(dependencies, this.plan, signal, () => {});
      this.decided(await planBackup(dependencies, { ...input, carried: troubles }, signal));
    } else if (step === 'publishBackup') {
      const { runId, workflowId } = this.run;
      const published = { plan: this.plan, instant: unfrozen, runId, workflowId };
      this.#result = await publishBackup(dependencies, published, signal);
    } else if (step === 'takeInstant')
      this.#freeze = (await takeInstant(dependencies, this.plan, signal)).freeze;
    else if (step === 'watchCopy') await watchCopy(dependencies, this.plan, signal, () => {});
    else await planned[step](dependencies, this.plan, signal);
  }
}

/** The steps whose only input is the plan. */
const planned = { prepareTargets, freezeGuest, thawGuest, startCopy, commitBackup };
