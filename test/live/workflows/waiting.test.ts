import { ApplicationFailure } from '@temporalio/common';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlockJobError } from '../../../qemu/errors.ts';
import type { Halt } from '../../../model/halt.ts';
import { planOf } from '../../repository/sample.ts';
import { NoSpaceError } from '../../../repository/errors.ts';
import { untilCancelled } from './fake-host.ts';
import { Gate } from './gate.ts';
import { HeldStep } from './held-step.ts';
import { storeHistory } from './histories.ts';
import { detailsOf } from './looking.ts';
import { outcomeOf } from './outcome.ts';
import { Stage } from './stage.ts';
import { allSteps } from './steps-of.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.build();
});
afterAll(async () => stage[Symbol.asyncDispose]());

const halt: Halt = {
  disks: [{ device: 'vd0', error: 'no-space', operation: 'write' }],
  neededBytes: 20 * 1024 ** 2,
};
const toCopy = allSteps.slice(0, 7);

/** A copy that stands still at each of the first looks. */
function halting(times: number) {
  let left = times;
  return async () => (left-- > 0 ? halt : undefined);
}

const planWaiting =
  (operatorWaitSeconds: number) =>
  async ({ request, backupId }: { request: { vm: string }; backupId: string }) => ({
    ...planOf(backupId, null, request.vm),
    operatorWaitSeconds,
  });

/** A copy that is looked after as long as an operator is waited for. `started` tells that the backup waits. */
function lookedAfter() {
  const gate = new Gate();
  const watchHalt = async () => {
    gate.open();
    return untilCancelled();
  };
  return { watchHalt, started: gate.opened };
}

async function refusal(update: Promise<unknown>): Promise<string | undefined> {
  try {
    await update;
    return undefined;
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    const causes = [error.cause, error.cause?.cause];
    return causes.flatMap((one) => (one instanceof ApplicationFailure ? [one.type] : []))[0] ?? '';
  }
}

describe.concurrent('backupVm, whose copy stands still', { timeout: 180_000 }, () => {
  it('waits for an operator, says for what, and copies on when he resumes it', async () => {
    const { watchHalt, started } = lookedAfter();
    const forced: boolean[] = [];
    const { calls, start } = stage.vm('waiting-resumed', {
      planBackup: planWaiting(3_600),
      watchHalt,
      watchCopy: halting(1),
      resumeCopy: async ({ force }) => void forced.push(force),
    });
    const backup = await start();
    await started;

    const status = await backup.query<{ waiting: object }>('status');
    const details = await detailsOf(backup);
    await backup.executeUpdate('resume');
    await backup.result();

    expect(status.waiting).toEqual({ ...halt, until: expect.any(String) });
    expect(details).toMatch(/Waiting for an operator.*vd0 \(no space left, writing\)/s);
    expect(details).toMatch('20.0 MiB');
    expect(forced).toEqual([false]);
    expect(calls).toEqual([
      ...toCopy,
      'watchHalt',
      'resumeCopy',
      'watchCopy',
      'commitBackup',
      'publishBackup',
    ]);
    await storeHistory('waiting-resumed', backup);
  });

  it('is undone, with a clear error, when an operator aborts it', async () => {
    const { watchHalt, started } = lookedAfter();
    const { calls, start } = stage.vm('waiting-aborted', {
      planBackup: planWaiting(3_600),
      watchHalt,
      watchCopy: halting(1),
    });
    const backup = await start();
    await started;

    await backup.executeUpdate('abort');

    expect(await outcomeOf(backup)).toEqual({ status: 'FAILED', error: 'BackupAbortedError' });
    expect(calls).toEqual([...toCopy, 'watchHalt', 'rollbackBackup']);
    await storeHistory('waiting-aborted', backup);
  });

  it('is undone when nobody answers until the deadline', async () => {
    const { calls, start } = stage.vm('waiting-deadline', {
      planBackup: planWaiting(1),
      watchCopy: halting(1),
    });
    const backup = await start();

    expect(await outcomeOf(backup)).toEqual({ status: 'FAILED', error: 'NoOperatorError' });
    expect(calls).toEqual([...toCopy, 'watchHalt', 'rollbackBackup']);
    await storeHistory('waiting-deadline', backup);
  });

  it('waits on when there is not room enough to resume, and resumes when it is forced', async () => {
    const { watchHalt, started } = lookedAfter();
    const { start } = stage.vm('still-full', {
      planBackup: planWaiting(3_600),
      watchHalt,
      watchCopy: halting(1),
      resumeCopy: async ({ force }) => {
        const space = { folder: '/backups', neededBytes: 20, freeBytes: 10 };
        if (!force) throw new NoSpaceError('too little', space);
      },
    });
    const backup = await start();
    await started;

    expect(await refusal(backup.executeUpdate('resume'))).toBe('NoSpaceError');
    await backup.executeUpdate<void, [object]>('resume', { args: [{ force: true }] });

    expect(await backup.result()).toMatchObject({ vm: 'still-full' });
  });

  it('goes on by itself when somebody else has resumed the job', async () => {
    const { calls, start } = stage.vm('resumed-over-qmp', {
      planBackup: planWaiting(3_600),
      watchCopy: halting(2),
      watchHalt: async () => {},
    });

    await (await start()).result();

    const round = ['watchHalt', 'watchCopy'];
    expect(calls).toEqual([...toCopy, ...round, ...round, 'commitBackup', 'publishBackup']);
  });

  it('is undone when the copy is lost while it waits', async () => {
    const { start } = stage.vm('lost-while-waiting', {
      planBackup: planWaiting(3_600),
      watchCopy: halting(1),
      watchHalt: async () => {
        throw new BlockJobError('sp-j', 'is not in the VM any more');
      },
    });

    const outcome = await outcomeOf(await start());

    expect(outcome).toEqual({ status: 'FAILED', error: 'BlockJobError' });
  });

  it('is undone when it is cancelled while it waits', async () => {
    const { watchHalt, started } = lookedAfter();
    const { calls, start } = stage.vm('cancelled-while-waiting', {
      planBackup: planWaiting(3_600),
      watchHalt,
      watchCopy: halting(1),
    });
    const backup = await start();
    await started;

    await backup.cancel();

    expect(await outcomeOf(backup)).toEqual({ status: 'CANCELLED', error: 'CancelledFailure' });
    expect(calls).toEqual([...toCopy, 'watchHalt', 'rollbackBackup']);
    await storeHistory('cancelled-while-waiting', backup);
  });

  it('is told a speed while it copies, which its host takes', async () => {
    const speeds: number[] = [];
    const held = new HeldStep();
    const { start } = stage.vm('speed', {
      watchCopy: held.run,
      setBandwidth: async ({ bytesPerSecond }) => void speeds.push(bytesPerSecond),
    });
    const backup = await start();
    await held.started;
    const tell = async (bytesPerSecond: number) =>
      backup.executeUpdate<void, [object]>('setBandwidth', { args: [{ bytesPerSecond }] });

    await tell(1_048_576);
    const refused = await refusal(tell(-1));

    expect({ speeds, refused }).toEqual({ speeds: [1_048_576], refused: 'RequestError' });
    await backup.cancel();
    await held.cancelled;
    held.end();
    await outcomeOf(backup);
    await storeHistory('speed-changed', backup);
  });

  it('takes no answer while it does not wait', async () => {
    const held = new HeldStep();
    const { start } = stage.vm('not-waiting', { watchCopy: held.run });
    const backup = await start();
    await held.started;

    const refused = [
      await refusal(backup.executeUpdate('resume')),
      await refusal(backup.executeUpdate('abort')),
    ];

    expect(refused).toEqual(['NotWaitingError', 'NotWaitingError']);
    await backup.cancel();
    await held.cancelled;
    held.end();
    await outcomeOf(backup);
  });
});
