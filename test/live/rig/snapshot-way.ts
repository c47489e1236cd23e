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
import { OnTheWay } from './on-the-way.ts';
import type { Rig } from './rig.ts';

const { signal } = new AbortController();

export const snapshotSteps = [
  'planSnapshot',
  'prepareSnapshot',
  'freezeGuest',
  'takeSnapshot',
  'thawGuest',
] as const;
export type SnapshotStep = (typeof snapshotSteps)[number];

/** A snapshot of ours on its way. */
export class SnapshotWay extends OnTheWay<SnapshotStep, SnapshotPlan> {
  constructor(rig: Rig) {
    super(rig, snapshotSteps);
  }

  async settle(): Promise<SnapshotOutcome> {
    const { backupId, runId } = this.run;
    return settleSnapshot(this.rig.dependencies, { vm: 'vm', backupId, runId }, signal);
  }

  async toEnd(): Promise<SnapshotOutcome> {
    await this.until('thawGuest');
    return this.settle();
  }

  protected override async perform(step: SnapshotStep): Promise<void> {
    const { dependencies } = this.rig;
    if (step === 'planSnapshot') {
      const request = SnapshotRequest.parse({ vm: 'vm' });
      this.decided(await planSnapshot(dependencies, { request, ...this.run }, signal));
    } else await planned[step](dependencies, this.plan, signal);
  }
}

const planned = { prepareSnapshot, freezeGuest, takeSnapshot, thawGuest };
