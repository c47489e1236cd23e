import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeftoversError, SnapshotBrokenError } from '../../../capture/errors.ts';
import { completeUpdate, discardUpdate, exportStatusQuery } from '../../../workflows/signals.ts';
import { failing } from './failing.ts';
import { goesWell } from './fake-host.ts';
import { HeldStep } from './held-step.ts';
import { storeHistory } from './histories.ts';
import { outcomeOf } from './outcome.ts';
import { Stage, type StagedVm } from './stage.ts';
import { allExportSteps } from './steps-of.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.build();
});
afterAll(async () => stage[Symbol.asyncDispose]());

/** Waits until its watch was begun so often. */
async function lookedAfter(calls: readonly string[], times: number): Promise<void> {
  const begun = () => calls.filter((name) => name === 'watchExport').length;
  await expect.poll(begun, { timeout: 120_000, interval: 100 }).toBeGreaterThanOrEqual(times);
}

/** Starts an export, and waits until its disks can be read and are looked after. */
async function served({ startExport, calls }: StagedVm) {
  const running = await startExport();
  await lookedAfter(calls, 1);
  return running;
}

const toServed = allExportSteps.slice(0, 7);

describe('exportBackup', { timeout: 180_000 }, () => {
  it('serves until its consumer has everything, and answers when the checkpoint is recorded', async () => {
    const vm = stage.vm('export-completed');
    const running = await served(vm);
    const { phase, served: disks } = await running.query(exportStatusQuery);

    const answer = await running.executeUpdate(completeUpdate);

    expect(phase).toBe('serving');
    expect(disks.map(({ uri }) => uri)).toEqual([
      'nbd+unix:///vd0?socket=/run/nbd.sock',
      'nbd+unix:///vd1?socket=/run/nbd.sock',
    ]);
    expect(answer).toMatchObject({ outcome: 'completed', consistency: 'filesystem' });
    expect(await running.result()).toEqual(answer);
    expect(vm.calls).toEqual(allExportSteps);
    await storeHistory('export-completed', running);
  });

  it('is undone when its consumer gives up, and ends well', async () => {
    const vm = stage.vm('export-discarded');
    const running = await served(vm);

    const answer = await running.executeUpdate(discardUpdate);

    expect(answer).toMatchObject({ outcome: 'discarded', kind: 'full' });
    expect(await running.result()).toEqual(answer);
    expect(vm.calls).toEqual([...toServed, 'rollbackBackup']);
    await storeHistory('export-discarded', running);
  });

  it('is undone when nobody decides in time', async () => {
    const vm = stage.vm('export-expired', {}, { exportSeconds: 1 });
    const running = await vm.startExport();

    const outcome = await outcomeOf(running);

    expect(outcome).toEqual({ status: 'FAILED', error: 'ExportExpiredError' });
    expect(vm.calls.at(-1)).toBe('rollbackBackup');
    await storeHistory('export-expired', running);
  });

  it('tells its consumer when what was read was not exact, and is undone', async () => {
    const closeExport = failing(1, new SnapshotBrokenError('vd0: scratch'));
    const vm = stage.vm('export-broken', { closeExport });
    const running = await served(vm);

    const answer = running.executeUpdate(completeUpdate);

    await expect(answer).rejects.toBeInstanceOf(WorkflowUpdateFailedError);
    expect(await outcomeOf(running)).toEqual({ status: 'FAILED', error: 'SnapshotBrokenError' });
    expect(vm.calls).toEqual([...toServed, 'closeExport', 'rollbackBackup']);
    await storeHistory('export-broken', running);
  });

  it('ends at once when what is served can be trusted no more', async () => {
    const watchExport = failing(1, new SnapshotBrokenError('vd0: scratch'));
    const vm = stage.vm('export-broken-early', { watchExport });
    const running = await vm.startExport();

    expect(await outcomeOf(running)).toEqual({ status: 'FAILED', error: 'SnapshotBrokenError' });
    expect(vm.calls).toEqual([...toServed, 'rollbackBackup']);
    await storeHistory('export-broken-early', running);
  });

  it('ends when somebody has taken away what it served', async () => {
    const vm = stage.vm('export-lost', { watchExport: async () => {} });
    const running = await vm.startExport();

    expect(await outcomeOf(running)).toEqual({ status: 'FAILED', error: 'ExportLostError' });
    expect(vm.calls).toEqual([...toServed, 'rollbackBackup']);
    await storeHistory('export-lost', running);
  });

  it('goes on when the worker that looks after it is killed', async () => {
    const fails = failing(1, ApplicationFailure.retryable('ended', 'WorkerEndedError'));
    const watchExport = async (plan: Parameters<typeof goesWell.watchExport>[0]) => {
      await fails();
      return goesWell.watchExport(plan);
    };
    const vm = stage.vm('export-watched-again', { watchExport });
    const running = await vm.startExport();
    await lookedAfter(vm.calls, 2);

    await running.cancel();
    await outcomeOf(running);

    expect(vm.calls.filter((name) => name === 'watchExport')).toHaveLength(2);
  });

  it('is undone when it is cancelled', async () => {
    const vm = stage.vm('export-cancelled');
    const running = await served(vm);

    await running.cancel();

    expect(await outcomeOf(running)).toEqual({ status: 'CANCELLED', error: 'CancelledFailure' });
    expect(vm.calls).toEqual([...toServed, 'rollbackBackup']);
    await storeHistory('export-cancelled', running);
  });

  it('starts anew when its instant did not hold', async () => {
    let starts = 0;
    const startExport = async (plan: Parameters<typeof goesWell.startExport>[0]) => {
      if (starts++ === 0) throw new LeftoversError('sp-a');
      return goesWell.startExport(plan);
    };
    const vm = stage.vm('export-started-anew', { startExport });
    const running = await served(vm);

    await running.executeUpdate(completeUpdate);

    const again = allExportSteps.slice(1, 6);
    expect(vm.calls).toEqual([...toServed.slice(0, 6), ...again, ...allExportSteps.slice(6)]);
    await storeHistory('export-started-anew', running);
  });

  it('cannot be decided before it is served', async () => {
    const held = new HeldStep();
    const vm = stage.vm('export-early', { prepareExport: held.run });
    const running = await vm.startExport();
    await held.started;

    const answer = running.executeUpdate(completeUpdate);

    await expect(answer).rejects.toMatchObject({
      cause: { message: 'the export is not served now' },
    });
    held.end();
    await running.cancel();
    await outcomeOf(running);
  });
});
