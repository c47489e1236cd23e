import { ourName, segmentName, temporaryBitmapName } from '../../model/names.ts';
import { targetNode } from '../../capture/block-nodes.ts';
import { scratchNode } from '../../qemu/images/create-scratch.ts';
import { FakeVm } from './fake-vm.ts';
import { MiB, mondayOf, tuesday, tuesdayOf, wednesday } from './sample.ts';

/** The segments of two backups that were published. */
export function putSegments(vm: FakeVm, ...disks: readonly number[]): void {
  for (const index of disks) {
    vm.bitmaps.put(`vd${index}-node`, mondayOf(`vd${index}`), { recording: false });
    vm.bitmaps.put(`vd${index}-node`, tuesdayOf(`vd${index}`));
  }
}

/** The target of a disk, as `prepare` or `startCopy` attaches it. */
export function putTarget(vm: FakeVm, index: number): void {
  vm.nodes.add(targetNode(ourName(wednesday, index, 't'), `/run/sp/${index}.sock`, 0));
}

/** What the instant finds: scratch, and the temporary bitmap. */
export function putScratch(vm: FakeVm, index: number, backupId: string = wednesday): void {
  const nodeName = ourName(backupId, index, 's');
  vm.nodes.add(scratchNode({ nodeName, path: `/scratch/${index}.qcow2`, limitBytes: 10 * MiB }));
  vm.bitmaps.put(`vd${index}-node`, temporaryBitmapName(backupId, index), {
    recording: false,
    persistent: false,
  });
}

/** The filter below the device, and the new segment. */
export function putFilter(vm: FakeVm, index: number, backupId: string = wednesday): void {
  putScratch(vm, index, backupId);
  const filter = ourName(backupId, index, 'f');
  vm.nodes.add({
    driver: 'copy-before-write',
    'node-name': filter,
    file: `vd${index}-node`,
    target: ourName(backupId, index, 's'),
  });
  vm.nodes.setDrive({ path: `/machine/peripheral/vd${index}`, property: 'drive', value: filter });
  const [device, node] = [`vd${index}`, `vd${index}-node`];
  const hasSegments = vm.bitmaps.on(node).some(({ name }) => name === tuesdayOf(device));
  vm.bitmaps.put(node, segmentName(device, backupId, hasSegments ? tuesday : null));
}

/** What the instant leaves: the filter, the new segment, and what looks behind the filter. */
export function putInstant(vm: FakeVm, index: number): void {
  putFilter(vm, index);
  vm.nodes.add({
    driver: 'snapshot-access',
    'node-name': ourName(wednesday, index, 'a'),
    file: ourName(wednesday, index, 'f'),
  });
}

/** A VM with a qcow2 that has segments, and a raw image that has none. */
export function mixedVm(version = '7.2.22'): FakeVm {
  const vm = new FakeVm({ version, formats: ['qcow2', 'raw'] });
  putSegments(vm, 0);
  return vm;
}

/** A copy behind a filter, in its middle. */
export function putFleecingCopy(vm: FakeVm, ...disks: readonly number[]): void {
  for (const index of disks) {
    putInstant(vm, index);
    putTarget(vm, index);
    startJob(vm, index, ourName(wednesday, index, 'a'));
  }
}

/** A copy straight from the disk, in its middle. */
export function putDirectCopy(vm: FakeVm, ...disks: readonly number[]): void {
  for (const index of disks) {
    putTarget(vm, index);
    vm.bitmaps.put(`vd${index}-node`, temporaryBitmapName(wednesday, index), { recording: false });
    startJob(vm, index, `vd${index}-node`);
  }
}

function startJob(vm: FakeVm, index: number, device: string): void {
  vm.jobs.put(ourName(wednesday, index, 'j'), {
    nodes: [device, ourName(wednesday, index, 't')],
  });
}
