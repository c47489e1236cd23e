import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FreezeFailedError } from '../../../activities/errors.ts';
import { UnsupportedQemuError } from '../../../capture/errors.ts';
import { LeaseBrokenError } from '../../../host/errors.ts';
import type { HostActivities } from '../../../activities/host-activities.ts';
import type { SnapshotResult } from '../../../model/snapshot.ts';
import { snapshotDisk } from './fake-host.ts';
import { HeldStep } from './held-step.ts';
import { storeHistory } from './histories.ts';
import { outcomeOf } from './outcome.ts';
import { Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.build();
});
afterAll(async () => stage[Symbol.asyncDispose]());

const steps = [
  'planSnapshot',
  'prepareSnapshot',
  'freezeGuest',
  'takeSnapshot',
  'thawGuest',
  'settleSnapshot',
];
const notTaken = async () => ({ taken: false, disks: [], troubles: [] });

/** Starts a snapshot of a VM whose steps do that; what is left out goes well. */
async function start(vm: string, acts: Partial<HostActivities> = {}) {
  const { calls } = stage.vm(vm, acts);
  const options = { taskQueue: 'stillpoint', workflowId: `backup/${vm}`, args: [{ vm }] };
  const handle = await stage.client.workflow.start('snapshotVm', options);
  return { calls, snapshot: handle as WorkflowHandle<() => Promise<SnapshotResult>> };
}

describe.concurrent('snapshotVm', { timeout: 60_000 }, () => {
  it('takes its steps in their order and says what each disk is from then on', async () => {
    const { calls, snapshot } = await start('snapshot');

    const result = await snapshot.result();

    expect(calls).toEqual(steps);
    expect(result).toMatchObject({
      vm: 'snapshot',
      consistency: 'filesystem',
      frozenMs: 41.5,
      warnings: [],
      disks: [snapshotDisk],
    });
    await storeHistory('snapshot', snapshot);
  });

  it('is settled, and fails, when QEMU cannot have one', async () => {
    const { calls, snapshot } = await start('snapshot-refused', {
      planSnapshot: async () => {
        throw new UnsupportedQemuError('QEMU 4.2.0: too old');
      },
      settleSnapshot: notTaken,
    });

    expect(await outcomeOf(snapshot)).toEqual({ status: 'FAILED', error: 'UnsupportedQemuError' });
    expect(calls).toEqual(['planSnapshot', 'settleSnapshot']);
    await storeHistory('snapshot-refused', snapshot);
  });

  it('thaws the guest before it is undone, when the freeze failed', async () => {
    const { calls, snapshot } = await start('snapshot-not-frozen', {
      takeSnapshot: async () => {
        throw new FreezeFailedError('no agent');
      },
      settleSnapshot: notTaken,
    });

    expect(await outcomeOf(snapshot)).toEqual({ status: 'FAILED', error: 'FreezeFailedError' });
    expect(calls).toEqual(steps);
    await storeHistory('snapshot-not-frozen', snapshot);
  });

  it('succeeds, and says so, when it was taken although its step failed', async () => {
    const { snapshot } = await start('snapshot-taken-all-the-same', {
      takeSnapshot: async () => {
        throw new LeaseBrokenError('the guard gave up');
      },
    });

    const { consistency, warnings, disks } = await snapshot.result();

    expect([consistency, disks]).toEqual(['crash', [snapshotDisk]]);
    expect(warnings.join()).toContain('the guard gave up');
    await storeHistory('snapshot-taken-all-the-same', snapshot);
  });

  it('is undone when it is cancelled before it is taken', async () => {
    const held = new HeldStep();
    const { calls, snapshot } = await start('snapshot-cancelled', {
      prepareSnapshot: held.run,
      settleSnapshot: notTaken,
    });
    await held.started;

    await snapshot.cancel();
    await held.cancelled;
    held.end();

    expect(await outcomeOf(snapshot)).toMatchObject({ status: 'CANCELLED' });
    expect(calls).toEqual(['planSnapshot', 'prepareSnapshot', 'settleSnapshot']);
    await storeHistory('snapshot-cancelled', snapshot);
  });
});
