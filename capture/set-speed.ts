import { parseOurName } from '../model/names.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { tolerant } from './tolerant.ts';

/** Has every job of this backup that is at another speed go at this one, in bytes per second. May be called again and again. */
export async function setSpeed(
  qmp: QmpClient,
  { backupId }: BackupPlan,
  bytesPerSecond: number,
): Promise<void> {
  for (const { device, speed } of await qmp.execute('query-block-jobs', {})) {
    if (speed === bytesPerSecond || parseOurName(device)?.backupId !== backupId) continue;
    // One that is through has no speed any more.
    await tolerant(qmp.execute('block-job-set-speed', { device, speed: bytesPerSecond }));
  }
}
