import { describe, expect, it } from 'vitest';
import { watchGroup } from '../../capture/watch-group.ts';
import type { Progress } from '../../model/instant.ts';
import { spentMark, temporaryBitmapName } from '../../model/names.ts';
import { BlockJobError } from '../../qemu/errors.ts';
import { groupedPlan, holder, j0, j1, OldVm } from './old-vm.ts';
import { exportSocket, fullPlan, places, wednesday } from './sample.ts';

const { signal } = new AbortController();
const makeDurable = async () => undefined;
const mark = spentMark(wednesday, 0);
const note = temporaryBitmapName(wednesday, 0);

function copying(): OldVm {
  const vm = new OldVm();
  vm.start(j0, j1, holder);
  return vm;
}

function isThrough(vm: OldVm): void {
  for (const job of [j0, j1]) vm.change(job, { offset: 100 });
}

function endsWell(vm: OldVm): void {
  for (const job of [j0, j1, holder]) vm.end('BLOCK_JOB_COMPLETED', job);
}

/** What a test gives happens at each look, one after the other. */
async function watch(vm: OldVm, looks: readonly ((vm: OldVm) => void)[] = [], plan = groupedPlan) {
  const qmp = await vm.open();
  const reports: Progress[] = [];
  const left = [...looks];
  const error = await watchGroup(
    { qmp, plan, places, exportSocket, signal, makeDurable },
    async (progress) => {
      reports.push(progress);
      left.shift()?.(vm);
    },
  ).catch((e: unknown) => e);
  return { error, reports };
}

describe('watchGroup', () => {
  it('notes what is spent, then lets the holder go, then notes that all ended well', async () => {
    const vm = copying();
    isThrough(vm);
    vm.on['resume'] = () => endsWell(vm);

    const { error } = await watch(vm);

    expect(error).toBeUndefined();
    expect(vm.log).toEqual([
      `add ${mark}`,
      `set-speed ${holder}`,
      `resume ${holder}`,
      `add ${note}`,
    ]);
  });

  it('spends nothing, and lets the holder wait, when the targets cannot be made durable', async () => {
    const vm = copying();
    isThrough(vm);
    const lost = new Error('a receiver is gone');

    const qmp = await vm.open();
    const watching = watchGroup(
      {
        qmp,
        plan: groupedPlan,
        places,
        exportSocket,
        signal,
        makeDurable: async () => {
          throw lost;
        },
      },
      async () => undefined,
    );

    await expect(watching).rejects.toBe(lost);
    expect(vm.log).toEqual([]);
  });

  it('looks once more when the targets are durable: what ended meanwhile has spent nothing', async () => {
    const vm = copying();
    isThrough(vm);
    const context = { qmp: await vm.open(), plan: groupedPlan, places, exportSocket, signal };
    const endBadly = async () => {
      for (const job of [j0, j1, holder]) vm.end('BLOCK_JOB_CANCELLED', job);
    };

    const watching = watchGroup({ ...context, makeDurable: endBadly }, async () => undefined);

    await expect(watching).rejects.toBeInstanceOf(BlockJobError);
    expect(vm.log).toEqual([]);
  });

  it('lets the holder wait as long as a job has something to copy', async () => {
    const vm = copying();
    vm.change(j0, { offset: 100 });
    let early: string[] = [];
    const { error } = await watch(vm, [
      (one) => one.change(j1, { offset: 99 }),
      (one) => {
        early = [...one.log];
        isThrough(one);
        one.on['resume'] = () => endsWell(one);
      },
    ]);

    expect(error).toBeUndefined();
    expect(early).toEqual([]);
  });

  it('notes nothing to be spent where all is copied', async () => {
    const vm = copying();
    isThrough(vm);
    vm.on['resume'] = () => endsWell(vm);

    await watch(vm, [], { ...groupedPlan, disks: [fullPlan(0), fullPlan(1)] });

    expect(vm.log).not.toContain(`add ${mark}`);
  });

  it('counts no more than there is, though guest writes are copied too', async () => {
    const vm = copying();
    vm.change(j0, { offset: 180 });
    vm.change(j1, { offset: 60 });

    const { reports } = await watch(vm, [(one) => one.end('BLOCK_JOB_CANCELLED', j0)]);

    expect(reports[0]).toEqual({ doneBytes: 240, totalBytes: 200, percent: 100 });
  });

  const ends = [
    {
      title: 'that failed',
      happens: (vm: OldVm) => vm.end('BLOCK_JOB_COMPLETED', j0, 'No space left on device'),
      says: /No space left/,
    },
    {
      title: 'that was cancelled',
      happens: (vm: OldVm) => vm.end('BLOCK_JOB_CANCELLED', j0),
      says: /cancelled/,
    },
    {
      title: 'whose end nobody has seen',
      happens: (vm: OldVm) => void (vm.jobs = []),
      says: /nobody has seen/,
    },
    {
      title: 'that has stopped for want of room',
      happens: (vm: OldVm) => vm.change(j0, { paused: true, 'io-status': 'nospace' }),
      says: /No space left/,
    },
    {
      title: 'that has stopped at an error',
      happens: (vm: OldVm) => vm.change(j0, { paused: true, 'io-status': 'failed' }),
      says: /Input\/output error/,
    },
  ];
  for (const { title, happens, says } of ends)
    it(`fails with a job ${title}, before and after the holder was let go`, async () => {
      const before = await watch(copying(), [happens]);
      const late = copying();
      isThrough(late);
      late.on['resume'] = () => {
        late.change(holder, { paused: false });
        happens(late);
      };
      const after = await watch(late);

      for (const { error } of [before, after]) {
        expect(error).toBeInstanceOf(BlockJobError);
        expect(String(error)).toMatch(says);
      }
    });

  it('leaves a job that has stopped to an operator, where that is the policy', async () => {
    const policy = { ...groupedPlan, onTargetError: 'enospc' } as const;
    const noRoom = copying();
    noRoom.change(j0, { paused: true, 'io-status': 'nospace' });
    const broken = copying();
    broken.change(j0, { paused: true, 'io-status': 'failed' });

    const qmp = await noRoom.open();
    const halt = await watchGroup(
      { qmp, plan: policy, places, exportSocket, signal, makeDurable },
      async () => {},
    );
    const { error } = await watch(broken, [], policy);

    expect(halt).toMatchObject({ disks: [{ device: 'vd0', error: 'no-space' }] });
    expect(error).toBeInstanceOf(BlockJobError);
  });

  it('has the copies go as fast as is wished, and the holder not at all', async () => {
    const vm = copying();
    const qmp = await vm.open();
    const look = async () => {
      if (vm.log.length > 0) vm.end('BLOCK_JOB_CANCELLED', j0);
    };

    await watchGroup(
      { qmp, plan: groupedPlan, places, exportSocket, signal, makeDurable },
      look,
      async () => 7,
    ).catch(() => undefined);

    expect(new Set(vm.log)).toEqual(new Set([`set-speed ${j0}`, `set-speed ${j1}`]));
  });

  it('goes on where one before it had let the holder go', async () => {
    const vm = copying();
    vm.change(holder, { paused: false });
    vm.bitmaps.set(mark, 'vd0-node');

    const { error } = await watch(vm, [endsWell]);

    expect(error).toBeUndefined();
    expect(vm.log).toEqual([`add ${note}`]);
  });

  it('believes the note of one before it that all ended well', async () => {
    const vm = new OldVm();
    vm.bitmaps.set(note, 'vd0-node');

    expect((await watch(vm)).error).toBeUndefined();
  });

  it('fails where all is gone and nothing noted: the jobs went with QEMU, or unseen', async () => {
    const vm = new OldVm();
    vm.bitmaps.set(mark, 'vd0-node');

    expect((await watch(vm)).error).toBeInstanceOf(BlockJobError);
  });
});
