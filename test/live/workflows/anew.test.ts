import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InstantVoidError } from '../../../capture/errors.ts';
import { LeaseBrokenError } from '../../../host/errors.ts';
import { AgentTimeoutError, QmpTimeoutError } from '../../../qemu/errors.ts';
import { failing } from './failing.ts';
import { goesWell } from './fake-host.ts';
import { storeHistory } from './histories.ts';
import { outcomeOf } from './outcome.ts';
import { Stage } from './stage.ts';
import { allSteps, instantSteps } from './steps-of.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.build();
});
afterAll(async () => stage[Symbol.asyncDispose]());

describe.concurrent('backupVm, when a start did not hold', { timeout: 60_000 }, () => {
  it('starts anew at the targets when an instant did not hold', async () => {
    let starts = 0;
    const { calls, start } = stage.vm('anew', {
      takeInstant: async (plan) => {
        if (++starts === 1) throw new LeaseBrokenError('the guard gave up');
        return goesWell.takeInstant(plan);
      },
    });
    const backup = await start();

    const result = await backup.result();

    expect(calls).toEqual(['planBackup', ...instantSteps, ...allSteps.slice(1)]);
    expect(result.consistency).toBe('filesystem');
    await storeHistory('started-anew', backup);
  });

  it('fails, undone, when the third start did not hold either', async () => {
    const { calls, start } = stage.vm('three-starts', {
      takeInstant: async () => {
        throw new InstantVoidError('somebody continued the VM');
      },
    });
    const backup = await start();

    const outcome = await outcomeOf(backup);

    expect(outcome).toEqual({ status: 'FAILED', error: 'InstantVoidError' });
    const three = [...instantSteps, ...instantSteps, ...instantSteps];
    expect(calls).toEqual(['planBackup', ...three, 'rollbackBackup']);
    await storeHistory('three-starts', backup);
  });

  it('starts anew when a required freeze did not hold until the instant', async () => {
    let starts = 0;
    const { calls, start } = stage.vm('freeze-lost', {
      planBackup: async (input) => ({ ...(await goesWell.planBackup(input)), quiesce: 'required' }),
      thawGuest: async () => ({ frozenMs: 0, held: ++starts > 1 }),
    });
    const backup = await start({ quiesce: 'required' });

    const { consistency } = await backup.result();

    expect(consistency).toBe('filesystem');
    expect(calls).toEqual(['planBackup', ...instantSteps, ...allSteps.slice(1)]);
    await storeHistory('freeze-lost', backup);
  });

  it('starts anew when the copy could not be started', async () => {
    const startCopy = failing(1, new QmpTimeoutError('late'));
    const { calls, start } = stage.vm('copy-not-started', { startCopy });
    const backup = await start();

    await backup.result();

    expect(calls).toEqual(['planBackup', ...instantSteps, 'startCopy', ...allSteps.slice(1)]);
  });

  it('does not freeze a second time within one start: it thaws and begins anew', async () => {
    const fail = failing(1, new AgentTimeoutError('late'));
    const { calls, start } = stage.vm('freeze-late', {
      freezeGuest: async (plan) => {
        await fail();
        return goesWell.freezeGuest(plan);
      },
    });

    await (await start()).result();

    const first = ['prepareTargets', 'freezeGuest', 'thawGuest'];
    expect(calls).toEqual(['planBackup', ...first, ...allSteps.slice(1)]);
  });
});
