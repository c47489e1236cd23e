import { z } from 'zod';
import { requireLock } from '../host/lock.ts';
import { wishSpeed } from '../host/speed-wish.ts';
import { BytesPerSecond } from '../model/choices.ts';
import { BackupId, VmName } from '../model/names.ts';
import type { HostDependencies } from './dependencies.ts';

/** The input of `setBandwidth`. */
export const BandwidthInput = z.strictObject({
  vm: VmName,
  backupId: BackupId,
  bytesPerSecond: BytesPerSecond,
});
export type BandwidthInput = z.output<typeof BandwidthInput>;

/**
 * Says how fast each disk of a backup is to be copied from now on. The watch has the VM for as long as it copies: it finds
 * what is said here at its next look. A backup that does not hold the VM is a `LockLostError`. May be called again.
 */
export async function setBandwidth(
  { paths }: HostDependencies,
  { vm, backupId, bytesPerSecond }: BandwidthInput,
): Promise<void> {
  await requireLock(paths, vm, backupId);
  await wishSpeed(paths, vm, { backupId, bytesPerSecond });
}
