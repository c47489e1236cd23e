import { z } from 'zod';
import { readJsonFile, writeDurably } from '../files/durable.ts';
import { BackupId } from '../model/names.ts';
import { makeVmFolders, type StatePaths } from './state-paths.ts';

const SpeedWish = z.object({ backupId: BackupId, bytesPerSecond: z.int().min(0) });
type SpeedWish = z.infer<typeof SpeedWish>;

/**
 * How fast a backup is to copy from now on, for whoever watches its copy. On disk when this resolves. Needs not the VM's
 * mutex, which the watch holds for as long as it copies.
 */
export async function wishSpeed(paths: StatePaths, vm: string, wish: SpeedWish): Promise<void> {
  const { speed } = await makeVmFolders(paths, vm);
  await writeDurably(speed, JSON.stringify(wish));
}

/** What was wished for this backup, in bytes per second; undefined when nothing was, or it cannot be read. */
export async function wishedSpeed(
  paths: StatePaths,
  vm: string,
  backupId: string,
): Promise<number | undefined> {
  const content = await readJsonFile(paths.vm(vm).speed).catch(() => undefined);
  const wish = SpeedWish.safeParse(content).data;
  return wish?.backupId === backupId ? wish.bytesPerSecond : undefined;
}
