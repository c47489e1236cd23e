import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationFailure } from '@temporalio/common';
import type { BackupPlan } from '../../../model/plan.ts';
import { goesWell } from './fake-host.ts';
import { HeldStep } from './held-step.ts';
import { storeHistory } from './histories.ts';
import { outcomeOf } from './outcome.ts';
import { Stage } from './stage.ts';
import { allSteps } from './steps-of.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.build();
});
afterAll(async () => stage[Symbol.asyncDispose]());

const below = {
  from: 'vd0-node',
  overlays: ['overlay'],
  segments: [{ name: 'stillpoint:20261123T000000Z-aaaa:none:vd0', recording: true }],
};

/** A host that finds tracking below a snapshot at first, and notes with what it is asked to plan again. */
function underSnapshot(inputs: unknown[]) {
  return {
    planBackup: async (input: Parameters<typeof goesWell.planBackup>[0]): Promise<BackupPlan> => {
      inputs.push(input.carried);
      const plan = await goesWell.planBackup(input);
      if (input.carried) return { ...plan, warnings: input.carried };
      return { ...plan, disks: plan.disks.map((disk) => ({ ...disk, below })) };
    },
  };
}

const followed = ['planBackup', 'carryTrackingOver', ...allSteps];

describe.concurrent('backupVm, of a disk under an external snapshot', { timeout: 60_000 }, () => {
  it('has the tracking carried over, and plans anew', async () => {
    const inputs: unknown[] = [];
    const { calls, start } = stage.vm('followed', underSnapshot(inputs));
    const backup = await start();

    await backup.result();

    expect(calls).toEqual(followed);
    expect(inputs).toEqual([undefined, []]);
    await storeHistory('followed', backup);
  });

  it('goes on in full, and says so, when that fails', async () => {
    const inputs: unknown[] = [];
    const { calls, start } = stage.vm('not-followed', {
      ...underSnapshot(inputs),
      carryTrackingOver: async () => {
        throw ApplicationFailure.nonRetryable('the overlay cannot be read');
      },
    });
    const backup = await start();

    const { warnings } = await backup.result();

    expect(calls).toEqual(followed);
    expect(warnings).toEqual(['the overlay cannot be read']);
    await storeHistory('not-followed', backup);
  });

  it('is undone when it is cancelled meanwhile', async () => {
    const held = new HeldStep();
    const { calls, start } = stage.vm('cancelled-while-following', {
      ...underSnapshot([]),
      carryTrackingOver: held.run,
    });
    const backup = await start();
    await held.started;

    await backup.cancel();
    await held.cancelled;
    held.end();

    expect(await outcomeOf(backup)).toMatchObject({ status: 'CANCELLED' });
    expect(calls).toEqual(['planBackup', 'carryTrackingOver', 'rollbackBackup']);
    await storeHistory('cancelled-while-following', backup);
  });
});
