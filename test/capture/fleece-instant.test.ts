import { describe, expect, it } from 'vitest';
import { InstantVoidError, LeftoversError, VmChangedError } from '../../capture/errors.ts';
import { fleece } from '../../capture/fleece.ts';
import { ourName, temporaryBitmapName } from '../../model/names.ts';
import { QmpCommandError } from '../../qemu/errors.ts';
import { Refusal } from './answering-qemu.ts';
import { adding, disabling, merging } from './expected-actions.ts';
import type { FakeVm } from './fake-vm.ts';
import {
  leaseInto,
  mixedPlan,
  ofMonday,
  ofTuesday,
  ofWednesday,
  exportSocket,
  places,
  receiversInto,
  tuesday,
  wednesday,
} from './sample.ts';
import { mixedVm, putFilter, putScratch, putTarget } from './scenes.ts';

const { signal } = new AbortController();
const tmp = (index: number) => temporaryBitmapName(wednesday, index);
const ours = (index: number, role: 's' | 'f') => ourName(wednesday, index, role);

async function takeInstant(vm: FakeVm) {
  const qmp = await vm.open();
  const context = {
    qmp,
    plan: mixedPlan,
    places,
    exportSocket,
    receivers: receiversInto(vm.log),
    signal,
  };
  return fleece.takeInstant(context, leaseInto(vm.log));
}

/** What `prepare` leaves. */
function preparedVm(): FakeVm {
  const vm = mixedVm();
  putScratch(vm, 0);
  putScratch(vm, 1);
  return vm;
}

describe('fleece.takeInstant', () => {
  it('puts bitmaps and filters in while the VM stands still, with no target in it', async () => {
    const vm = preparedVm();

    await takeInstant(vm);

    expect(vm.log.filter((line) => !line.includes('lease'))).toEqual([
      'human-monitor-command',
      'human-monitor-command',
      'stop',
      'transaction',
      'blockdev-add 00f',
      'qom-set 00f',
      'blockdev-add 00a',
      'blockdev-add 01f',
      'qom-set 01f',
      'blockdev-add 01a',
      'cont',
    ]);
    expect(vm.nodes.of('nbd')).toEqual([]);
  });

  it('begins the new segments before it ends the old ones, in one transaction', async () => {
    const vm = preparedVm();

    await takeInstant(vm);

    expect(vm.sent('transaction')).toEqual([
      {
        actions: [
          adding(0, ofWednesday),
          disabling(0, ofTuesday),
          merging(0, [ofTuesday]),
          adding(1, `stillpoint:${wednesday}:none:vd1`, { persistent: false }),
        ],
      },
    ]);
  });

  it('ends every segment that records, also one that a death left', async () => {
    const vm = preparedVm();
    vm.bitmaps.set({ node: 'vd0-node', name: ofMonday }, true);

    await takeInstant(vm);

    const recording = vm.bitmaps.on('vd0-node').filter((bitmap) => bitmap.recording);
    expect(recording.map(({ name }) => name)).toEqual([ofWednesday]);
    expect(vm.sent('transaction')[0]?.actions).toContainEqual(merging(0, [ofTuesday, ofMonday]));
  });

  it('flushes the disks before it stops the VM', async () => {
    const vm = preparedVm();

    await takeInstant(vm);

    expect(vm.sent('human-monitor-command')).toEqual(
      [0, 1].map((index) => ({
        'command-line': `qemu-io -d /machine/peripheral/vd${index}/virtio-backend flush`,
      })),
    );
  });

  it('names in the filter of an incremental what is to be kept, and nothing in that of a full one', async () => {
    const vm = preparedVm();

    await takeInstant(vm);

    const filter = (index: number) => ({
      driver: 'copy-before-write',
      'node-name': ours(index, 'f'),
      file: `vd${index}-node`,
      target: ours(index, 's'),
      'on-cbw-error': 'break-snapshot',
      'cbw-timeout': 4,
    });
    const filters = vm.sent('blockdev-add').filter(({ driver }) => driver === 'copy-before-write');
    expect(filters).toEqual([
      { ...filter(0), bitmap: { node: 'vd0-node', name: tmp(0) } },
      filter(1),
    ]);
  });

  const leftovers = [
    { title: 'a filter', put: (vm: FakeVm) => putFilter(vm, 1, tuesday) },
    { title: 'a target', put: (vm: FakeVm) => putTarget(vm, 0) },
    { title: 'a job', put: ({ jobs }: FakeVm) => jobs.put(ourName(wednesday, 0, 'j')) },
    {
      title: 'the segment of this backup',
      put: ({ bitmaps }: FakeVm) => bitmaps.put('vd0-node', ofWednesday),
    },
    {
      title: 'no temporary bitmap',
      put: ({ bitmaps }: FakeVm) => bitmaps.remove({ node: 'vd0-node', name: tmp(0) }),
    },
  ];
  for (const { title, put } of leftovers)
    it(`touches nothing when an earlier attempt left ${title}`, async () => {
      const vm = mixedVm();
      putScratch(vm, 0);
      put(vm);

      await expect(takeInstant(vm)).rejects.toBeInstanceOf(LeftoversError);

      expect(vm.log).toEqual([]);
    });

  it('touches nothing when a segment was lost since the plan', async () => {
    const vm = preparedVm();
    vm.bitmaps.remove({ node: 'vd0-node', name: ofMonday });

    await expect(takeInstant(vm)).rejects.toBeInstanceOf(VmChangedError);

    expect(vm.log).toEqual([]);
  });

  it('lets the VM go on when QEMU refuses a filter', async () => {
    const vm = preparedVm();
    vm.before['blockdev-add'] = () => {
      throw new Refusal('no');
    };

    await expect(takeInstant(vm)).rejects.toBeInstanceOf(QmpCommandError);

    expect(vm.status).toBe('running');
    expect(vm.log.at(-1)).toBe('clear lease');
  });

  it('is void when the VM ran on between two filters', async () => {
    const vm = preparedVm();
    vm.before['blockdev-add'] = () => vm.become('running');

    await expect(takeInstant(vm)).rejects.toBeInstanceOf(InstantVoidError);
  });
});
