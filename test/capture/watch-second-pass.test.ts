import { describe, expect, it } from 'vitest';
import { TargetStalledError } from '../../capture/errors.ts';
import { ourName } from '../../model/names.ts';
import { BlockJobError } from '../../qemu/errors.ts';
import type { FakeVm } from './fake-vm.ts';
import { wednesday } from './sample.ts';
import {
  bothPending,
  changes,
  concluded,
  copying,
  j0,
  j1,
  k0,
  k1,
  pending,
  twoPasses,
  watch,
} from './watched.ts';

const secondPending = [changes(k0, pending), changes(k1, pending)];

describe('watchJobs, below QEMU 10.0', () => {
  it('finalizes the first pass, and starts the second for all disks together', async () => {
    const { vm, error } = await watch(twoPasses, [
      ...bothPending,
      () => {},
      () => {},
      ...secondPending,
    ]);

    expect(error).toBeUndefined();
    expect(vm.log).toEqual([`job-finalize 00j`, `job-finalize 01j`, 'transaction']);
    expect(vm.sent('transaction')).toEqual([
      {
        actions: [0, 1].map((index) => ({
          type: 'blockdev-backup',
          data: {
            'job-id': ourName(wednesday, index, 'k'),
            device: ourName(wednesday, index, 's'),
            target: ourName(wednesday, index, 't'),
            sync: 'top',
            'auto-finalize': false,
            'auto-dismiss': false,
          },
        })),
      },
    ]);
  });

  it('needs no second pass where there is no scratch', async () => {
    const { vm, error } = await watch({ ...twoPasses, shield: 'none' }, bothPending);

    expect(error).toBeUndefined();
    expect(vm.log).toEqual([]);
  });

  it('waits with the first pass until all of it is through', async () => {
    const { vm, error } = await watch({ ...twoPasses, targetStallSeconds: 1 }, [
      changes(j0, pending),
    ]);

    expect(error).toBeInstanceOf(TargetStalledError);
    expect(vm.log).toEqual([]);
  });

  it('dismisses no job of the first pass: it proves that the pass is through', async () => {
    const { vm } = await watch(twoPasses, [...bothPending, () => {}, () => {}, ...secondPending]);

    expect(vm.jobs.all.map(({ id }) => id)).toEqual([j0, j1, k0, k1]);
  });

  it('calls the copy complete only when the second pass is', async () => {
    const { reports } = await watch(twoPasses, [
      (vm) => [j0, j1].map((id) => changes(id, { ...pending, 'current-progress': 65_536 })(vm)),
      () => {},
      () => {},
      (vm) => [k0, k1].map((id) => changes(id, { ...pending, 'current-progress': 65_536 })(vm)),
    ]);

    expect(reports.slice(0, -1).every(({ percent }) => percent < 100)).toBe(true);
    expect(reports.at(-1)?.percent).toBe(100);
  });

  it('goes on in the second pass when it is called again', async () => {
    const vm = copying();
    for (const id of [j0, j1]) vm.jobs.change(id, concluded);
    for (const id of [k0, k1]) vm.jobs.put(id);

    const { error } = await watch(twoPasses, secondPending, { vm });

    expect(error).toBeUndefined();
    expect(vm.log).toEqual([]);
  });

  it('finalizes the rest when it is called again between two of them', async () => {
    const vm = copying();
    vm.jobs.change(j0, concluded);
    vm.jobs.change(j1, pending);

    await watch(twoPasses, [() => {}, () => {}, ...secondPending], { vm });

    expect(vm.log).toEqual([`job-finalize 01j`, 'transaction']);
  });

  it('ends at once when it is called again and all is through', async () => {
    const vm = copying();
    for (const id of [j0, j1]) vm.jobs.change(id, concluded);
    for (const id of [k0, k1]) vm.jobs.put(id, pending);

    const { error, reports } = await watch(twoPasses, [], { vm });

    expect(error).toBeUndefined();
    expect(reports).toHaveLength(1);
  });

  const ends = [
    {
      title: 'its second pass fails',
      happens: changes(k1, { ...concluded, error: 'Input/output error' }),
      jobId: k1,
    },
    { title: 'its second pass was cancelled', happens: changes(k1, concluded), jobId: k1 },
    {
      title: 'its second pass is gone',
      happens: ({ jobs }: FakeVm) => jobs.vanish(k1),
      jobId: k1,
    },
    {
      title: 'the proof of its first pass is gone',
      happens: ({ jobs }: FakeVm) => jobs.vanish(j1),
      jobId: j1,
    },
    {
      title: 'its first pass had failed',
      happens: changes(j1, { ...concluded, error: 'Input/output error' }),
      jobId: j1,
    },
  ];
  for (const { title, happens, jobId } of ends)
    it(`fails when ${title}`, async () => {
      const { error } = await watch(twoPasses, [...bothPending, () => {}, () => {}, happens]);

      expect(error).toBeInstanceOf(BlockJobError);
      expect(error).toMatchObject({ jobId });
    });
});
