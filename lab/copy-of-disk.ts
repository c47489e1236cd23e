import { join } from 'node:path';
import { execa } from 'execa';
import type { MachineDisk } from './machine-disk.ts';
import type { Machine } from './machine.ts';

/**
 * The oracle: what a disk holds now, as a raw image of its own in the machine's folder. Returns its path.
 *
 * Nothing may change while it is taken. A machine that never ran or is paused is flushed through the device; one that
 * runs is stopped for it, which flushes, and goes on afterwards. For the content at the instant of a backup of a running
 * guest use `startInstantTap`: a copy taken before or after would be of another moment.
 */
export async function copyOfDisk(
  machine: Machine,
  disk: MachineDisk,
  name = 'oracle',
): Promise<string> {
  const copy = join(machine.folder, `${disk.name}-${name}.raw`);
  const { running } = await machine.labQmp.execute('query-status', {});
  if (running) await machine.labQmp.execute('stop', {});
  else await machine.device(disk).flush();
  try {
    await execa('qemu-img', ['convert', '-U', '-f', disk.format, '-O', 'raw', disk.path, copy]);
  } finally {
    if (running) await machine.labQmp.execute('cont', {});
  }
  return copy;
}
