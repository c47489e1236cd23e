import { parseOurName, type Role } from '../model/names.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { tolerant } from './tolerant.ts';

/** A job copies pieces of so many bytes, whatever its speed, and rests after each. @see block/block-copy.c, BLOCK_COPY_MAX_BUFFER */
const pieceBytes = 1024 ** 2;
/** What a job has copied in such a time it rests for, at the speed that it has by then. @see BLOCK_COPY_SLICE_TIME */
const sliceSeconds = 0.1;

/** Jobs that copy. Others hold something, and have no speed. */
const copies = new Set<Role>(['j', 'k']);

/** Has every job of this backup that is at another speed go at this one, in bytes per second. May be called again and again. */
export async function setSpeed(
  qmp: QmpClient,
  { backupId }: BackupPlan,
  bytesPerSecond: number,
): Promise<{ silentSeconds: number }> {
  let silentSeconds = restSeconds(bytesPerSecond);
  for (const { device, speed } of await qmp.execute('query-block-jobs', {})) {
    const job = parseOurName(device);
    if (speed === bytesPerSecond || job?.backupId !== backupId || !copies.has(job.role)) continue;
    // One that is through has no speed any more.
    await tolerant(qmp.execute('block-job-set-speed', { device, speed: bytesPerSecond }));
    silentSeconds = Math.max(silentSeconds, restSeconds(bytesPerSecond, speed));
  }
  return { silentSeconds };
}

/** For how long a job makes no progress although all is well: 0 without a limit. `before` is the speed that it comes from. */
export function restSeconds(bytesPerSecond: number, before = 0): number {
  return bytesPerSecond === 0 ? 0 : (pieceBytes + sliceSeconds * before) / bytesPerSecond;
}
