import { freezeGuest } from '../../../activities/freeze-guest.ts';
import { planSnapshot } from '../../../activities/plan-snapshot.ts';
import { prepareSnapshot } from '../../../activities/prepare-snapshot.ts';
import { settleSnapshot } from '../../../activities/settle-snapshot.ts';
import { takeSnapshot } from '../../../activities/take-snapshot.ts';
import { thawGuest } from '../../../activities/thaw-guest.ts';
import {
  SnapshotRequest,
  type SnapshotOutcome,
  type SnapshotPlan,
} from '../../../model/snapshot.ts';
import { newRun, type Rig } from './rig.ts';

const { signal } = new AbortController();

export const snapshotSteps = [
  'planSnapshot',
  'prepareSnapshot',
  'freezeGuest',
  'takeSnapshot',
  'thawGuest',
] as const;
export type SnapshotStep = (typeof snapshotSteps)[number];

/** A snapshot of ours on its way: each step is the activity's own function, on the real machine. */
export class SnapshotWay {
  readonly run = newRun();
  readonly #rig: Rig;
  #done = 0;
  #plan: SnapshotPlan | undefined;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  get plan(): SnapshotPlan {
    if (!this.#plan) throw new Error('not planned yet');
    return this.#plan;
  }

  /** Goes on until that step is done. */
  async until(last: SnapshotStep): Promise<this> {
    const { dependencies } = this.#rig;
    for (const step of snapshotSteps.slice(this.#done, snapshotSteps.indexOf(last) + 1)) {
      if (step === 'planSnapshot') {
        const request = SnapshotRequest.parse({ vm: 'vm' });
        this.#plan = await planSnapshot(dependencies, { request, ...this.run }, signal);
      } else await planned[step](dependencies, this.plan, signal);
      this.#done++;
    }
    return this;
  }

  async settle(): Promise<SnapshotOutcome> {
    const { backupId, runId } = this.run;
    return settleSnapshot(this.#rig.dependencies, { vm: 'vm', backupId, runId }, signal);
  }

  async toEnd(): Promise<SnapshotOutcome> {
    await this.until('thawGuest');
    return this.settle();
  }
}

const planned = { prepareSnapshot, freezeGuest, takeSnapshot, thawGuest };
