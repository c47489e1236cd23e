import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { attachments, type Attachment } from '../lab/attachments.ts';
import { makeDiskImage } from '../lab/disk-image.ts';
import { oldProperties } from '../lab/machine-disk.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { Disk, sizeOf } from './disk.ts';

/** How the first disk of a VM is attached: its controller takes the one that is plugged in later. */
export const first: Attachment | undefined = attachments.find(
  ({ device, style, named, iothread }) =>
    device === 'virtio-scsi' && style === 'blockdev' && named && !iothread,
);

/** The place of the disk that comes and goes. */
export const pluggable = 3;
const [node, id] = [`vd${pluggable}-node`, `vd${pluggable}`];

/** The disk that comes and goes, empty and not plugged in. */
export async function makePluggable(folder: string): Promise<Disk> {
  const path = join(folder, `vd${pluggable}.qcow2`);
  const bytes = sizeOf(pluggable, 2);
  await makeDiskImage({ path, format: 'qcow2', virtualBytes: bytes });
  return new Disk({ index: pluggable, path, format: 'qcow2', bytes });
}

export async function plugIn(labQmp: QmpClient, disk: Disk): Promise<void> {
  const file = { driver: 'file', filename: disk.path } as const;
  await labQmp.execute('blockdev-add', {
    driver: 'qcow2',
    'node-name': node,
    discard: 'unmap',
    file,
  });
  const device = { driver: 'scsi-hd', id, bus: 'vd0-scsi.0', drive: node };
  await labQmp.execute('device_add', {
    ...device,
    ...oldProperties(labQmp.version, 'virtio-scsi'),
  });
  disk.qdev = id;
}

/** Resolves when the guest has let go of it; it keeps what it holds, and its bitmaps. */
export async function unplug(labQmp: QmpClient, disk: Disk): Promise<void> {
  await labQmp.execute('device_del', { id });
  while ((await labQmp.execute('query-block', {})).some(({ qdev }) => qdev === id)) await delay(5);
  await labQmp.execute('blockdev-del', { 'node-name': node });
  disk.qdev = undefined;
}
