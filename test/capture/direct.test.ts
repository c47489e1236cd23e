import { describe, expect, it } from 'vitest';
import { captureFor } from '../../capture/capture-for.ts';
import { direct } from '../../capture/direct.ts';
import { LeftoversError, VmChangedError } from '../../capture/errors.ts';
import { merge } from '../../capture/merge.ts';
import { fleece } from '../../capture/fleece.ts';
import { ourName } from '../../model/names.ts';
import type { BackupPlan } from '../../model/plan.ts';
import { QmpCommandError } from '../../qemu/errors.ts';
import { adding, addingTemporary, copying, disabling, merging } from './expected-actions.ts';
import { FakeVm } from './fake-vm.ts';
import {
  diskPlan,
  leaseInto,
  mixedPlan,
  ofMonday,
  ofTuesday,
  ofWednesday,
  exportSocket,
  places,
  receiversInto,
  samplePlan,
  wednesday,
} from './sample.ts';
import { mixedVm, putDirectCopy, putFilter, putTarget } from './scenes.ts';

const { signal } = new AbortController();
const mixed: BackupPlan = { ...mixedPlan, shield: 'none' };

async function contextOf(vm: FakeVm, plan: BackupPlan) {
  return {
    qmp: await vm.open(),
    plan,
    places,
    exportSocket,
    receivers: receiversInto(vm.log),
    signal,
  };
}

function preparedVm(): FakeVm {
  const vm = mixedVm('5.2.0');
  putTarget(vm, 0);
  putTarget(vm, 1);
  return vm;
}

async function takeInstant(vm: FakeVm, plan: BackupPlan) {
  return direct.takeInstant(await contextOf(vm, plan), leaseInto(vm.log));
}

describe('captureFor', () => {
  it('gives the tier of a plan', () => {
    expect(captureFor({ shield: 'fleece', tier: 'fleece' })).toBe(fleece);
    expect(captureFor({ shield: 'none', tier: 'direct' })).toBe(direct);
    expect(captureFor({ shield: 'none', tier: 'merge' })).toBe(merge);
  });

  it('gives the tier of a shield for a plan that names no other', () => {
    expect(captureFor({ shield: 'fleece' })).toBe(fleece);
    expect(captureFor({ shield: 'none' })).toBe(direct);
  });
});

describe('direct.prepare', () => {
  it('attaches targets whose lost receivers a sink can replace', async () => {
    const vm = new FakeVm();

    await direct.prepare(await contextOf(vm, mixed));

    expect(vm.sent('blockdev-add')).toEqual(
      [0, 1].map((index) => ({
        driver: 'nbd',
        'node-name': ourName(wednesday, index, 't'),
        server: { type: 'unix', path: `/run/sp/${index}.sock` },
        export: 't',
        'reconnect-delay': 20,
      })),
    );
  });
});

describe('direct.takeInstant', () => {
  it('is one transaction of bitmaps and jobs, and stops nothing', async () => {
    const vm = preparedVm();

    const taken = await takeInstant(vm, mixed);

    expect(vm.log).toEqual(['transaction']);
    expect(taken.pausedMs).toBe(0);
    expect(vm.sent('transaction')[0]?.actions).toEqual([
      adding(0, ofWednesday),
      disabling(0, ofTuesday),
      addingTemporary(0),
      merging(0, [ofTuesday, ofMonday]),
      copying(0, 'vd0-node', 'bitmap'),
      adding(1, `stillpoint:${wednesday}:none:vd1`, { persistent: false }),
      copying(1, 'vd1-node', 'full'),
    ]);
  });

  it('leaves every bitmap as it was when QEMU refuses one job', async () => {
    const vm = preparedVm();
    vm.before.transaction = () => vm.nodes.remove(ourName(wednesday, 1, 't'), false);

    const taken = takeInstant(vm, mixed);

    await expect(taken).rejects.toBeInstanceOf(QmpCommandError);
    const recording = vm.bitmaps.on('vd0-node').filter((bitmap) => bitmap.recording);
    expect(recording.map(({ name }) => name)).toEqual([ofTuesday]);
  });

  const leftovers = [
    { title: 'a job', put: ({ jobs }: FakeVm) => jobs.put(ourName(wednesday, 0, 'j')) },
    { title: 'a filter', put: (vm: FakeVm) => putFilter(vm, 1) },
    {
      title: 'the segment of this backup',
      put: ({ bitmaps }: FakeVm) => bitmaps.put('vd0-node', ofWednesday),
    },
    {
      title: 'no target',
      put: ({ nodes }: FakeVm) => nodes.remove(ourName(wednesday, 1, 't'), false),
    },
  ];
  for (const { title, put } of leftovers)
    it(`touches nothing when an earlier attempt left ${title}`, async () => {
      const vm = preparedVm();
      put(vm);

      await expect(takeInstant(vm, mixed)).rejects.toBeInstanceOf(LeftoversError);

      expect(vm.log).toEqual([]);
    });

  it('touches nothing when the disk is not as planned', async () => {
    const vm = preparedVm();
    const plan = { ...mixed, disks: [diskPlan(0, { node: 'overlay' })] };

    await expect(takeInstant(vm, plan)).rejects.toBeInstanceOf(VmChangedError);

    expect(vm.log).toEqual([]);
  });
});

describe('direct.startCopy', () => {
  const single = samplePlan({ shield: 'none' });

  it('finds the jobs that the instant has started, and does nothing', async () => {
    const vm = new FakeVm();
    putDirectCopy(vm, 0);

    await direct.startCopy(await contextOf(vm, single));

    expect(vm.log).toEqual([]);
  });

  it('starts anew when a job is not there', async () => {
    const start = direct.startCopy(await contextOf(new FakeVm(), single));

    await expect(start).rejects.toBeInstanceOf(LeftoversError);
  });
});
