import { join } from 'node:path';
import type { VmConfig } from '../model/vm-config.ts';

/** The end of an overlay's name, which the overlay above it does not repeat. */
const earlier = /\.\d{8}T\d{6}Z-[0-9a-f]{4}\.qcow2$/;

/** Where the overlay of a disk lies: beside its image, or in the folder that the inventory names. */
export function overlayFile(
  { vm, snapshots }: Pick<VmConfig, 'vm' | 'snapshots'>,
  { device, base, snapshotId }: { device: string; base: string; snapshotId: string },
): string {
  const stem =
    snapshots === undefined ? base.replace(earlier, '') : join(snapshots, `${vm}-${device}`);
  return `${stem}.${snapshotId}.qcow2`;
}
