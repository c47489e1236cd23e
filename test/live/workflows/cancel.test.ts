import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeaseBrokenError } from '../../../host/errors.ts';
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

const cancelled = { status: 'CANCELLED', error: 'CancelledFailure' };

/** Cancels the backup whose step calls this; from then on Temporal has it on record. */
async function cancelFromWithin(): Promise<undefined> {
  const workflowId = Context.current().info.workflowExecution?.workflowId ?? '';
  await stage.client.workflow.getHandle(workflowId).cancel();
}

describe.concurrent('backupVm, cancelled', { timeout: 60_000 }, () => {
  const steps = [
    { step: 'planBackup', after: [] },
    { step: 'prepareTargets', after: [] },
    { step: 'freezeGuest', after: ['thawGuest'] },
    { step: 'takeInstant', after: ['thawGuest'] },
    { step: 'startCopy', after: [] },
    { step: 'watchCopy', after: [] },
  ] as const;
  for (const { step, after } of steps)
    it(`waits during ${step} until that has ended, then undoes everything`, async () => {
      const held = new HeldStep();
      const { calls, start } = stage.vm(`during-${step}`, { [step]: held.run });
      const backup = await start();
      await held.started;

      await backup.cancel();
      await held.cancelled;
      const { phase } = await backup.query<{ phase: string }>('status');
      const begun = [...calls];
      held.end();

      const until = allSteps.slice(0, allSteps.indexOf(step) + 1);
      expect({ phase, begun }).toEqual({ phase: phaseOf[step], begun: until });
      expect(await outcomeOf(backup)).toEqual(cancelled);
      expect(calls).toEqual([...until, ...after, 'rollbackBackup']);
      if (step === 'watchCopy') await storeHistory('cancelled-while-copying', backup);
    });

  it('thaws the guest when it comes between freeze and instant, and takes none', async () => {
    const { calls, start } = stage.vm('frozen', {
      freezeGuest: async (plan) => {
        await cancelFromWithin();
        return goesWell.freezeGuest(plan);
      },
    });
    const backup = await start();

    const outcome = await outcomeOf(backup);

    expect(outcome).toEqual(cancelled);
    expect(calls).toEqual([...allSteps.slice(0, 3), 'thawGuest', 'rollbackBackup']);
    await storeHistory('cancelled-while-frozen', backup);
  });

  it('lets the thaw of the guest go on to its end', async () => {
    let attempts = 0;
    const { calls, start } = stage.vm('thawing', {
      thawGuest: async (plan) => {
        if (++attempts === 1) {
          await cancelFromWithin();
          throw new Error('the agent is late');
        }
        return goesWell.thawGuest(plan);
      },
    });
    const backup = await start();

    const outcome = await outcomeOf(backup);

    expect(outcome).toEqual(cancelled);
    expect(calls).toEqual([...allSteps.slice(0, 5), 'thawGuest', 'rollbackBackup']);
  });

  it('begins no new start', async () => {
    const { calls, start } = stage.vm('no-new-start', {
      takeInstant: async () => {
        await cancelFromWithin();
        throw new LeaseBrokenError('the guard gave up');
      },
    });
    const backup = await start();

    const outcome = await outcomeOf(backup);

    expect(outcome).toEqual(cancelled);
    expect(calls).toEqual([...allSteps.slice(0, 5), 'rollbackBackup']);
  });

  it('ends with the backup when the copy completes all the same', async () => {
    const { calls, start } = stage.vm('completes', { watchCopy: cancelFromWithin });
    const backup = await start();

    await backup.result();

    expect(calls).toEqual(allSteps);
    await storeHistory('cancelled-too-late', backup);
  });

  for (const step of ['commitBackup', 'publishBackup'] as const)
    it(`is too late during ${step}: the backup is published`, async () => {
      const { calls, start } = stage.vm(`late-${step}`, {
        [step]: async (input: never) => {
          await cancelFromWithin();
          return goesWell[step](input);
        },
      });
      const backup = await start();

      const { vm } = await backup.result();

      expect(vm).toBe(`late-${step}`);
      expect(calls).toEqual(allSteps);
    });
});

const phaseOf = {
  planBackup: 'planning',
  prepareTargets: 'preparing',
  freezeGuest: 'freezing',
  takeInstant: 'instant',
  startCopy: 'starting',
  watchCopy: 'copying',
};
