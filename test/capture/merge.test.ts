import { expect, it } from 'vitest';
import { merge } from '../../capture/merge.ts';
import { ourName, temporaryBitmapName } from '../../model/names.ts';
import { adding, addingTemporary, copying, disabling, merging } from './expected-actions.ts';
import {
  leaseInto,
  mixedPlan,
  ofMonday,
  ofTuesday,
  ofWednesday,
  exportSocket,
  places,
  receiversInto,
  wednesday,
} from './sample.ts';
import { mixedVm, putTarget } from './scenes.ts';

const { signal } = new AbortController();
/** QEMU 3.1 dies of a job that lingers when it has ended. */
function vanishing(job: ReturnType<typeof copying>) {
  const { 'auto-dismiss': _, ...data } = job.data;
  return { ...data, 'on-source-error': 'stop', 'on-target-error': 'stop' };
}

it('merge.takeInstant has the jobs clear the temporary bitmap, and no segment', async () => {
  const vm = mixedVm('5.2.0');
  putTarget(vm, 0);
  putTarget(vm, 1);
  const plan = { ...mixedPlan, shield: 'none', tier: 'merge' } as const;
  const context = {
    qmp: await vm.open(),
    plan,
    places,
    exportSocket,
    receivers: receiversInto(vm.log),
    signal,
  };

  await merge.takeInstant(context, leaseInto(vm.log));

  const { 'bitmap-mode': _, ...job } = vanishing(copying(0, 'vd0-node', 'bitmap'));
  expect(vm.sent('transaction')[0]?.actions).toEqual([
    adding(0, ofWednesday),
    disabling(0, ofTuesday),
    addingTemporary(0),
    merging(0, [ofTuesday, ofMonday]),
    {
      type: 'blockdev-backup',
      data: { ...job, sync: 'incremental', bitmap: temporaryBitmapName(wednesday, 0) },
    },
    adding(1, `stillpoint:${wednesday}:none:vd1`, { persistent: false }),
    { type: 'blockdev-backup', data: vanishing(copying(1, 'vd1-node', 'full')) },
  ]);
});

it('merge.prepare asks for no waiting, which its QEMUs do not know', async () => {
  const vm = mixedVm('5.2.0');
  const plan = { ...mixedPlan, shield: 'none', tier: 'merge' } as const;
  const context = {
    qmp: await vm.open(),
    plan,
    places,
    exportSocket,
    receivers: receiversInto(vm.log),
    signal,
  };

  await merge.prepare(context);

  const [target] = vm.sent('blockdev-add');
  expect(target).toMatchObject({ 'node-name': ourName(wednesday, 0, 't') });
  expect(target).not.toHaveProperty('reconnect-delay');
});
