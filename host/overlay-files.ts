import { chmod, chown, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { removeFile, syncFile, syncFolder } from '../files/durable.ts';
import { unlessAbsent } from '../files/system-error.ts';

/** Whether a file is there, whatever it is. */
export async function isThere(path: string): Promise<boolean> {
  return (await unlessAbsent(stat(path))) !== undefined;
}

/** Gives a new overlay the owner and the mode of the image below it, for QEMU may run as another user, and makes it durable. */
export async function settleInto(overlay: string, base: string): Promise<void> {
  const { uid, gid, mode } = await stat(base);
  if (process.getuid?.() === 0) await chown(overlay, uid, gid);
  await chmod(overlay, mode & 0o777);
  await syncFile(overlay);
  await syncFolder(dirname(overlay));
}

/** Removes overlays that nobody has ever written to. May be repeated. */
export async function removeOverlays(paths: readonly string[]): Promise<void> {
  for (const path of paths) await removeFile(path);
}
