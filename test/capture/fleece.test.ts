import { describe, expect, it } from 'vitest';
import { LeftoversError } from '../../capture/errors.ts';
import { fleece } from '../../capture/fleece.ts';
import { ourName, temporaryBitmapName } from '../../model/names.ts';
import { addingTemporary, copying, merging } from './expected-actions.ts';
import type { FakeVm } from './fake-vm.ts';
import {
  mixedPlan,
  ofMonday,
  exportSocket,
  ofTuesday,
  places,
  receiversInto,
  wednesday,
} from './sample.ts';
import { mixedVm, putInstant, putTarget } from './scenes.ts';

const { signal } = new AbortController();
const tmp = (index: number) => temporaryBitmapName(wednesday, index);
const ours = (index: number, role: 't' | 's' | 'f' | 'a') => ourName(wednesday, index, role);

async function perform(vm: FakeVm, step: 'prepare' | 'startCopy') {
  const receivers = receiversInto(vm.log);
  await fleece[step]({
    qmp: await vm.open(),
    plan: mixedPlan,
    places,
    exportSocket,
    receivers,
    signal,
  });
}

describe('fleece.prepare', () => {
  it('proves the way to each target, takes it off again, and merges what rests', async () => {
    const vm = mixedVm();

    await perform(vm, 'prepare');

    expect(vm.log).toEqual([
      'blockdev-add 00t',
      'blockdev-del 00t',
      'blockdev-add 01t',
      'blockdev-del 01t',
      'blockdev-add 00s',
      'blockdev-add 01s',
      'transaction',
    ]);
    expect(vm.sent('transaction')).toEqual([
      { actions: [addingTemporary(0), merging(0, [ofMonday])] },
    ]);
  });

  it('gives the scratch no more room than its budget', async () => {
    const vm = mixedVm();

    await perform(vm, 'prepare');

    expect(vm.sent('blockdev-add').find((node) => node['node-name'] === ours(0, 's'))).toEqual({
      driver: 'qcow2',
      'node-name': ours(0, 's'),
      discard: 'unmap',
      file: {
        driver: 'raw',
        size: places[0]?.scratchLimitBytes,
        file: { driver: 'file', filename: '/scratch/0.qcow2', discard: 'unmap' },
      },
    });
  });
});

/** What `takeInstant` leaves. */
function takenVm(): FakeVm {
  const vm = mixedVm();
  for (const index of [0, 1]) putInstant(vm, index);
  return vm;
}

describe('fleece.startCopy', () => {
  it('attaches the targets, and starts the jobs of all disks together', async () => {
    const vm = takenVm();

    await perform(vm, 'startCopy');

    expect(vm.log).toEqual([
      `block-dirty-bitmap-remove ${tmp(0)}`,
      `block-dirty-bitmap-remove ${tmp(1)}`,
      'blockdev-add 00t',
      'blockdev-add 01t',
      'transaction',
    ]);
    const [first, second] = [ours(0, 'a'), ours(1, 'a')];
    expect(vm.sent('transaction')).toEqual([
      {
        actions: [
          addingTemporary(0, first),
          merging(0, [ofTuesday, ofMonday], first),
          copying(0, first, 'bitmap'),
          copying(1, second, 'full'),
        ],
      },
    ]);
  });

  it('waits for no receiver that dies: the job is to fail at once', async () => {
    const vm = takenVm();

    await perform(vm, 'startCopy');

    expect(vm.sent('blockdev-add')[0]).toEqual({
      driver: 'nbd',
      'node-name': ours(0, 't'),
      server: { type: 'unix', path: '/run/sp/0.sock' },
      export: 't',
    });
  });

  it('starts nothing twice', async () => {
    const vm = takenVm();
    putTarget(vm, 0);

    await expect(perform(vm, 'startCopy')).rejects.toBeInstanceOf(LeftoversError);

    expect(vm.log).toEqual([]);
  });

  it('starts nothing when a filter is gone, and the instant with it', async () => {
    const vm = mixedVm();
    putInstant(vm, 0);

    await expect(perform(vm, 'startCopy')).rejects.toBeInstanceOf(LeftoversError);

    expect(vm.sent('transaction')).toEqual([]);
  });
});
