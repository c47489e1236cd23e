import { describe, expect, it } from 'vitest';
import { LeftoversError } from '../../capture/errors.ts';
import { grouped } from '../../capture/grouped.ts';
import { ourName, segmentName, spentMark } from '../../model/names.ts';
import type { BackupPlan } from '../../model/plan.ts';
import { groupedPlan, holder, j0, j1, OldVm } from './old-vm.ts';
import {
  leaseInto,
  monday,
  ofMonday,
  ofWednesday,
  exportSocket,
  places,
  receiversInto,
  wednesday,
} from './sample.ts';

const { signal } = new AbortController();
const ofWednesdayOnVd1 = segmentName('vd1', wednesday, null);

function tracked(): OldVm {
  const vm = new OldVm();
  vm.bitmaps.set(ofMonday, 'vd0-node');
  vm.on['transaction'] = () => vm.start(j0, j1, holder);
  return vm;
}

async function contextOf(vm: OldVm, plan: BackupPlan = groupedPlan) {
  return { qmp: await vm.open(), plan, places, exportSocket, receivers: receiversInto([]), signal };
}

async function takeInstant(vm: OldVm, plan?: BackupPlan) {
  return grouped.takeInstant(await contextOf(vm, plan), leaseInto([]));
}

describe('grouped.takeInstant', () => {
  it('begins the segments before the group, and has its holder wait', async () => {
    const vm = tracked();

    await takeInstant(vm);

    expect(vm.log).toEqual([
      `add ${ofWednesday}`,
      `add ${ofWednesdayOnVd1}`,
      'transaction',
      `pause ${holder}`,
    ]);
  });

  it('copies what the one segment of the parent marks, and all of a full disk', async () => {
    const vm = tracked();

    await takeInstant(vm);

    const target = (index: number) =>
      `json:${JSON.stringify({
        driver: 'raw',
        'node-name': ourName(wednesday, index, 't'),
        file: {
          driver: 'nbd',
          server: { type: 'unix', path: `/run/sp/${index}.sock` },
          export: 't',
        },
      })}`;
    const job = (index: number) => ({
      'job-id': ourName(wednesday, index, 'j'),
      device: `vd${index}-node`,
      target: target(index),
      format: 'raw',
      mode: 'existing',
      'on-source-error': 'stop',
      'on-target-error': 'stop',
    });
    expect(vm.sent.find(({ command }) => command === 'transaction')?.args).toEqual({
      properties: { 'completion-mode': 'grouped' },
      actions: [
        { type: 'drive-backup', data: { ...job(0), sync: 'incremental', bitmap: ofMonday } },
        { type: 'drive-backup', data: { ...job(1), sync: 'full' } },
        {
          type: 'blockdev-backup',
          data: {
            'job-id': holder,
            device: ourName(wednesday, 0, 'h'),
            target: ourName(wednesday, 1, 'h'),
            sync: 'full',
            speed: 1,
          },
        },
      ],
    });
  });

  it('refuses a disk of which a run has spent a segment, until that is tidied', async () => {
    const vm = tracked();
    vm.bitmaps.set(spentMark(monday, 0), 'vd0-node');

    await expect(takeInstant(vm)).rejects.toThrow(LeftoversError);
    expect(vm.log).toEqual([]);
  });

  it('is not resumed: a segment of its own is a leftover', async () => {
    const vm = tracked();
    vm.bitmaps.set(ofWednesday, 'vd0-node');

    await expect(takeInstant(vm)).rejects.toThrow(LeftoversError);
    expect(vm.log).toEqual([]);
  });
});

describe('grouped.startCopy', () => {
  it('finds the group, and its holder waiting', async () => {
    const vm = tracked();
    vm.start(j0, j1, holder);

    await grouped.startCopy(await contextOf(vm));

    expect(vm.log).toEqual([]);
  });

  it('starts anew where nothing holds the group', async () => {
    const vm = tracked();
    vm.start(j0, j1, holder);
    vm.change(holder, { paused: false });

    await expect(grouped.startCopy(await contextOf(vm))).rejects.toThrow(LeftoversError);
  });
});
