import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlockJobError, QmpTimeoutError } from '../../../qemu/errors.ts';
import { LockLostError } from '../../../host/errors.ts';
import { UnknownVmError } from '../../../inventory/errors.ts';
import { goesWell } from './fake-host.ts';
import { HeldStep } from './held-step.ts';
import { storeHistory } from './histories.ts';
import { outcomeOf } from './outcome.ts';
import { Stage } from './stage.ts';
import { allSteps, instantSteps } from './steps-of.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.build();
});
afterAll(async () => stage[Symbol.asyncDispose]());

const patience = { timeout: 30_000, interval: 50 };

async function copyFails(): Promise<never> {
  throw new BlockJobError('sp-j', 'No space left');
}

describe.concurrent('backupVm, undoing', { timeout: 60_000 }, () => {
  it('repeats a rollback that fails until it succeeds', async () => {
    let attempts = 0;
    const { calls, start } = stage.vm('rollback-again', {
      watchCopy: copyFails,
      rollbackBackup: async () => {
        if (++attempts <= 2) throw new QmpTimeoutError('late');
        return { troubles: [] };
      },
    });
    const backup = await start();

    const outcome = await outcomeOf(backup);

    expect(outcome).toEqual({ status: 'FAILED', error: 'BlockJobError' });
    const rollbacks = ['rollbackBackup', 'rollbackBackup', 'rollbackBackup'];
    expect(calls).toEqual([...allSteps.slice(0, 7), ...rollbacks]);
    await storeHistory('rollback-repeated', backup);
  });

  it('is not stopped by a cancel', async () => {
    const held = new HeldStep();
    const { calls, start } = stage.vm('rollback-cancelled', {
      watchCopy: held.run,
      rollbackBackup: async () => {
        if (calls.filter((step) => step === 'rollbackBackup').length > 1) return { troubles: [] };
        await stage.client.workflow.getHandle('backup/rollback-cancelled').cancel();
        throw new QmpTimeoutError('late');
      },
    });
    const backup = await start();
    await held.started;
    await backup.cancel();
    held.end();

    const outcome = await outcomeOf(backup);

    expect(outcome.status).toBe('CANCELLED');
    expect(calls.slice(7)).toEqual(['rollbackBackup', 'rollbackBackup']);
  });

  it('waits for a host that is gone, until it is told to abandon that', async () => {
    const { calls, start } = stage.vm('host-gone', {}, { host: 'gone' });
    const backup = await start();
    const phase = async () => (await backup.query<{ phase: string }>('status')).phase;
    await expect.poll(phase, patience).toBe('planning');
    await backup.cancel();
    await expect.poll(phase, patience).toBe('rolling-back');

    await backup.signal('abandon');

    expect(await outcomeOf(backup)).toMatchObject({ status: 'CANCELLED' });
    expect(await phase()).toBe('not-undone');
    expect(calls).toEqual([]);
    await storeHistory('abandoned', backup);
  });

  it('ends when a host is given up that never commits', async () => {
    const commitBackup = async () => {
      throw new QmpTimeoutError('late');
    };
    const { calls, start } = stage.vm('never-committed', { commitBackup });
    const backup = await start();
    await expect.poll(() => calls.includes('commitBackup'), patience).toBe(true);

    await backup.cancel();
    await backup.signal('abandon');

    expect(await outcomeOf(backup)).toMatchObject({ status: 'CANCELLED' });
    expect(await backup.query('status')).toMatchObject({ phase: 'not-undone' });
    await storeHistory('abandoned-while-committing', backup);
  });

  it('fails as the backup failed when the host cannot undo it for good', async () => {
    const unknown = async () => {
      throw new UnknownVmError('stillpoint.yaml', 'not-undone', []);
    };
    const acts = { planBackup: unknown, rollbackBackup: unknown };
    const { calls, start } = stage.vm('not-undone', acts);
    const backup = await start();

    expect(await outcomeOf(backup)).toEqual({ status: 'FAILED', error: 'UnknownVmError' });
    expect(calls).toEqual(['planBackup', 'rollbackBackup']);
    expect(await backup.query('status')).toMatchObject({ phase: 'not-undone' });
    await storeHistory('not-undone', backup);
  });

  it('waits for the thaw on a host that is gone, until it is told to abandon that', async () => {
    const thaw = new HeldStep();
    const { calls, start } = stage.vm('gone-frozen', {
      takeInstant: copyFails,
      thawGuest: thaw.run,
      rollbackBackup: thaw.run,
    });
    const backup = await start();
    await thaw.started;
    await backup.cancel();

    await backup.signal('abandon');

    expect(await outcomeOf(backup)).toMatchObject({ status: 'CANCELLED' });
    expect(calls).toEqual(allSteps.slice(0, 5));
    thaw.end();
    await storeHistory('abandoned-while-thawing', backup);
  });

  it('abandons nothing that is not cancelled', async () => {
    const { calls, start } = stage.vm('not-cancelled', {
      thawGuest: async (plan) => {
        const backup = stage.client.workflow.getHandle('backup/not-cancelled');
        await backup.signal('abandon');
        // Answered only when the signal has been seen.
        await backup.query('status');
        return goesWell.thawGuest(plan);
      },
    });
    const backup = await start();

    await backup.result();

    expect(calls).toEqual(allSteps);
  });

  it('thaws no guest and undoes nothing more when the VM is not its own any more', async () => {
    const lost = async () => {
      throw new LockLostError('nobody holds it');
    };
    const { calls, start } = stage.vm('lock-lost', { takeInstant: lost, thawGuest: lost });

    const outcome = await outcomeOf(await start());

    expect(outcome).toEqual({ status: 'FAILED', error: 'LockLostError' });
    expect(calls).toEqual(['planBackup', ...instantSteps, 'rollbackBackup']);
  });

  for (const step of ['commitBackup', 'publishBackup'] as const)
    it(`does not try ${step} again when the VM is not its own any more`, async () => {
      const { calls, start } = stage.vm(`lost-${step}`, {
        [step]: async () => {
          throw new LockLostError('nobody holds it');
        },
      });

      const outcome = await outcomeOf(await start());

      expect(outcome).toEqual({ status: 'FAILED', error: 'LockLostError' });
      expect(calls).toEqual([...allSteps.slice(0, allSteps.indexOf(step) + 1), 'rollbackBackup']);
    });
});
