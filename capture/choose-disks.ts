import type { QmpClient } from '../qemu/qmp/client.ts';
import { NoDiskError } from './errors.ts';
import type { Disk } from './vm-state.ts';

/** Devices that are disks. What else can be written to (flash with the firmware's variables, floppies) is no disk. */
const diskTypes = /^(virtio-blk|vhost-user-blk|scsi-(hd|disk|block)|ide-(hd|drive)|nvme)/;

/** The disks of a backup, and what was left out, in sentences for the operator. */
export type Choice = { readonly disks: readonly Disk[]; readonly warnings: readonly string[] };

/**
 * The disks to back up: those that are named, else every writable one. A named one that is not there is a
 * `NoDiskError`, and so is a VM without any.
 */
export async function chooseDisks(
  qmp: QmpClient,
  devices: readonly Disk[],
  named: readonly string[] | undefined,
): Promise<Choice> {
  const disks: Disk[] = [];
  const others: string[] = [];
  for (const disk of devices) {
    const type = await qmp.execute('qom-get', { path: disk.qomPath, property: 'type' });
    if (diskTypes.test(String(type))) disks.push(disk);
    else others.push(`${disk.device} (${String(type)})`);
  }
  const present = disks.map(({ device }) => device);
  const missing = named?.filter((device) => !present.includes(device)) ?? [];
  if (missing.length > 0)
    throw new NoDiskError(
      `disk ${missing.join(', ')}: not among the writable disks of the VM (${present.join(', ') || 'none'})`,
    );
  if (disks.length === 0) throw new NoDiskError('the VM has no writable disk to back up');
  const left = named === undefined && others.length > 0;
  return {
    disks: disks.filter(({ device }) => named?.includes(device) ?? true),
    warnings: left ? [`not backed up, for it is no disk: ${others.join(', ')}`] : [],
  };
}
