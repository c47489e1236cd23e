import { describe, expect, it } from 'vitest';
import { TargetStalledError } from '../../capture/errors.ts';
import { ourName } from '../../model/names.ts';
import { BlockJobError } from '../../qemu/errors.ts';
import type { FakeVm } from './fake-vm.ts';
import {
  bothPending,
  changes,
  concluded,
  copying,
  j0,
  j1,
  onePass,
  pending,
  watch,
} from './watched.ts';

describe('watchJobs, from QEMU 10.0 on', () => {
  it('ends when the job of every disk waits for its end, and ends none itself', async () => {
    const { vm, error } = await watch(onePass, bothPending);

    expect(error).toBeUndefined();
    expect(vm.log).toEqual([]);
  });

  it('reports how far the copy is', async () => {
    const half = { 'current-progress': 32_768 };
    const whole = { ...pending, 'current-progress': 65_536 };

    const { reports } = await watch(onePass, [
      changes(j0, half),
      changes(j0, whole),
      changes(j1, whole),
    ]);

    expect(reports).toEqual([
      { doneBytes: 0, totalBytes: 131_072, percent: 0 },
      { doneBytes: 32_768, totalBytes: 131_072, percent: 25 },
      { doneBytes: 65_536, totalBytes: 131_072, percent: 50 },
      { doneBytes: 131_072, totalBytes: 131_072, percent: 100 },
    ]);
  });

  it('looks again even when no event tells of a change', async () => {
    const { error } = await watch(onePass, [
      ({ jobs }) => {
        for (const job of jobs.all) Object.assign(job, pending);
      },
    ]);

    expect(error).toBeUndefined();
  });

  const ends = [
    {
      title: 'fails',
      happens: changes(j1, { ...concluded, error: 'No space left on device' }),
      message: 'No space left on device',
    },
    { title: 'was cancelled by somebody', happens: changes(j1, concluded), message: j1 },
    { title: 'is being given up', happens: changes(j1, { status: 'aborting' }), message: j1 },
    {
      title: 'is gone',
      happens: ({ jobs }: FakeVm) => jobs.vanish(j1),
      message: 'is not in the VM any more',
    },
  ];
  for (const { title, happens, message } of ends)
    it(`fails when a job ${title}`, async () => {
      const { error } = await watch(onePass, [changes(j0, pending), happens]);

      expect(error).toBeInstanceOf(BlockJobError);
      expect(error).toMatchObject({ jobId: j1, message: expect.stringContaining(message) });
    });

  it('does not count jobs of others or of other days', async () => {
    const vm = copying();
    vm.jobs.put('their-job', { error: 'failed', ...concluded });
    vm.jobs.put(ourName('20261101T020000Z-0001', 0, 'j'), { error: 'failed', ...concluded });

    const { error, reports } = await watch(onePass, bothPending, { vm });

    expect(error).toBeUndefined();
    expect(reports[0]?.totalBytes).toBe(131_072);
  });

  it('gives up a copy that makes no progress for too long', async () => {
    const { error } = await watch({ ...onePass, targetStallSeconds: 1 });

    expect(error).toBeInstanceOf(TargetStalledError);
  });

  it('has a copy whose error is to be ignored try again once a second, however often QEMU tells of it', async () => {
    const abort = new AbortController();
    const halting = changes(j0, { halts: true, status: 'paused' });
    setTimeout(() => abort.abort(new Error('enough')), 1_500);

    const { vm } = await watch({ ...onePass, onTargetError: 'ignore' }, [halting], {
      signal: abort.signal,
    });

    expect(vm.sent('job-resume')).toEqual([{ id: j0 }, { id: j0 }]);
  });

  it('fails by a job that stands still at an error which is none to wait at', async () => {
    const plan = { ...onePass, shield: 'none', tier: 'merge' } as const;

    const { error } = await watch(plan, [changes(j0, { halts: true, status: 'paused' })]);

    expect(error).toBeInstanceOf(BlockJobError);
    expect(error).toMatchObject({ message: expect.stringMatching('Input/output error') });
  });

  it('ends with its signal', async () => {
    const abort = new AbortController();

    const { error } = await watch(onePass, [() => abort.abort(new Error('cancelled'))], {
      signal: abort.signal,
    });

    expect(error).toMatchObject({ message: 'cancelled' });
  });
});
