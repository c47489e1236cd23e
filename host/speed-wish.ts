import { z } from 'zod';
import { readJsonFile, writeDurably } from '../files/durable.ts';
import { BackupId } from '../model/names.ts';
import { MutexTimeoutError } from './errors.ts';
import { abstractName, hold } from './mutex.ts';
import { makeVmFolders, type StatePaths } from './state-paths.ts';

const SpeedWish = z.object({ backupId: BackupId, bytesPerSecond: z.int().min(0) });
type SpeedWish = z.infer<typeof SpeedWish>;

const turnMs = 10_000;

/**
 * How fast a backup is to copy from now on, for whoever watches its copy. On disk when this resolves. Needs not the VM's
 * mutex, which the watch holds for as long as it copies: of several that wish at once each has its turn.
 */
export async function wishSpeed(paths: StatePaths, vm: string, wish: SpeedWish): Promise<void> {
  const { speed } = await makeVmFolders(paths, vm);
  const limits = {
    signal: new AbortController().signal,
    timeoutMs: turnMs,
    late: () => new MutexTimeoutError(`${speed}: somebody else is still writing it`),
  };
  await hold(await abstractName(paths, vm, ':speed'), limits, () =>
    writeDurably(speed, JSON.stringify(wish)),
  );
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
