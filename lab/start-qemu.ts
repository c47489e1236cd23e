import { makeDiskImage } from './disk-image.ts';
import { labelOf, machineDisk, type DiskOptions } from './machine-disk.ts';
import type { GuestOptions } from './machine-options.ts';
import { Machine } from './machine.ts';
import { versionOfQemu } from './qemu-version.ts';
import { loadSetup } from './setup.ts';
import { makeTempFolder } from './temp-folder.ts';

/** A machine to start. */
export type QemuOptions = {
  /** Default: one usual disk. */
  readonly disks?: readonly DiskOptions[];
  /** Boot a guest with a live agent. Left out: a bare machine that never ran, whose block layer works all the same. */
  readonly guest?: GuestOptions;
  /** QEMU's command, with a loader of its own if need be. Default: the PATH's `qemu-system-x86_64`, as with the tools. */
  readonly qemu?: readonly string[];
  /** Let it live on when this process ends. Default: no. */
  readonly outlive?: boolean;
};

/**
 * Starts a real QEMU (q35, TCG, no KVM) in a folder of its own, and waits until it answers, with a guest until its
 * disks are mounted and its agent is there. `SetupMissingError` before `npm run setup`, `StartError` when it fails.
 */
export async function startQemu(options: QemuOptions = {}): Promise<Machine> {
  const setup = await loadSetup();
  const temp = await makeTempFolder();
  try {
    const place = { folder: temp.path, hasGuest: options.guest !== undefined };
    const disks = (options.disks ?? [{}]).map((disk, index) => machineDisk(disk, index, place));
    for (const disk of disks) await makeDiskImage({ ...disk, label: labelOf(disk) });
    const { guest, outlive = false, qemu = ['qemu-system-x86_64'] } = options;
    const version = await versionOfQemu(qemu);
    return await Machine.start({ temp, qemu, version, disks, guest, setup, outlive });
  } catch (error) {
    await temp[Symbol.asyncDispose]();
    throw error;
  }
}
