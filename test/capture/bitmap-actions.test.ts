import { describe, expect, it } from 'vitest';
import { plannedDisk } from '../../capture/bitmap-actions.ts';
import { VmChangedError } from '../../capture/errors.ts';
import { readVmState } from '../../capture/vm-state.ts';
import { FakeVm } from './fake-vm.ts';
import { diskPlan, MiB, ofMonday, ofTuesday } from './sample.ts';
import { putFilter, putSegments } from './scenes.ts';

async function stateOf(vm: FakeVm) {
  return readVmState(await vm.open());
}

describe('plannedDisk', () => {
  it('is the disk that is as planned', async () => {
    const vm = new FakeVm();
    putSegments(vm, 0);

    expect(plannedDisk(await stateOf(vm), diskPlan(0))).toMatchObject({ node: 'vd0-node' });
  });

  it('is the disk below a filter of ours', async () => {
    const vm = new FakeVm();
    putSegments(vm, 0);
    putFilter(vm, 0);

    expect(plannedDisk(await stateOf(vm), diskPlan(0))).toMatchObject({ node: 'vd0-node' });
  });

  const changes = [
    { title: 'is gone', plan: { device: 'vd7' }, message: 'is not there any more' },
    { title: 'has another image', plan: { node: 'overlay' }, message: 'has another image' },
    { title: 'has another size', plan: { virtualBytes: 32 * MiB }, message: 'has another size' },
    {
      title: 'has lost a segment',
      plan: { merge: [ofTuesday, 'stillpoint:gone'] },
      message: 'has lost bitmap stillpoint:gone',
    },
  ];
  for (const { title, plan, message } of changes)
    it(`refuses a disk that ${title} since the plan`, async () => {
      const vm = new FakeVm();
      putSegments(vm, 0);
      const state = await stateOf(vm);
      const find = () => plannedDisk(state, diskPlan(0, plan));

      expect(find).toThrow(VmChangedError);
      expect(find).toThrow(message);
    });

  it('refuses a disk of which a segment has become inconsistent', async () => {
    const vm = new FakeVm();
    vm.bitmaps.put('vd0-node', ofTuesday);
    vm.bitmaps.put('vd0-node', ofMonday, { inconsistent: true, recording: false });
    const state = await stateOf(vm);

    expect(() => plannedDisk(state, diskPlan(0))).toThrow(VmChangedError);
  });
});
