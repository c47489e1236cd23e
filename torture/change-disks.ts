import { nodesOf } from '../lab/nodes-of.ts';
import type { Actor } from './actor.ts';
import { MiB } from './disk-model.ts';
import { addForeignBitmap } from './foreign-bitmaps.ts';
import { makePluggable, pluggable, plugIn, unplug } from './hot-plug.ts';
import { nodeOf } from './node-of.ts';

const largestBytes = 48 * MiB;

/** Makes one of the disks larger, by its place among those that can be. */
export async function grow({ machine, plugged, unclean }: Actor, at: number): Promise<void> {
  // QEMU resizes no image under an NVMe device.
  const disks = plugged.filter(({ index }) => machine.disks[index]?.attachment.device !== 'nvme');
  const disk = disks[at % Math.max(1, disks.length)];
  if (!disk || unclean || disk.model.bytes >= largestBytes) return;
  const size = disk.model.bytes + 4 * MiB;
  const { labQmp } = machine;
  const name = await nodeOf(labQmp, disk);
  // After a power cut QEMU refuses that, until the bitmaps that it has left are removed.
  const node = (await nodesOf(labQmp)).find((one) => one['node-name'] === name);
  if (node?.['dirty-bitmaps']?.some(({ inconsistent }) => inconsistent)) return;
  await labQmp.execute('block_resize', { 'node-name': name, size });
  disk.model.grow(size);
  disk.tracked = false;
}

/** Plugs one more disk in, or takes it out; it keeps what it holds, and its bitmaps. */
export async function plugOrUnplug({ machine, disks, unclean }: Actor): Promise<void> {
  const { labQmp, folder } = machine;
  let disk = disks.find(({ index }) => index === pluggable);
  if (!disk) {
    disk = await makePluggable(folder);
    disks.push(disk);
  }
  if (disk.qdev === undefined) {
    await plugIn(labQmp, disk);
    if (disk.model.bytes > 0 && !disk.foreign) await addForeignBitmap(labQmp, disk);
  } else if (!unclean) await unplug(labQmp, disk);
}
