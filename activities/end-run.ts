import { dropOldSegments } from '../capture/tidy-segments.ts';
import { readLock, releaseLock, requireLock } from '../host/lock.ts';
import { removeReceiverFiles } from '../host/receivers.ts';
import { removeScratch } from '../host/scratch.ts';
import { publishedIds } from './published-ids.ts';
import { reachQemu } from './reach-qemu.ts';
import type { VmSite } from './vm-site.ts';

/**
 * The record of a run that has ended: an attempt that died after the lock was given up finds it so. Else undefined, and
 * only the lock's holder may go on (`LockLostError`).
 */
export async function endedAs<T>(
  { paths, config: { vm } }: VmSite,
  backupId: string,
  record: T | undefined,
): Promise<T | undefined> {
  if (record && (await readLock(paths, vm))?.backupId !== backupId) return record;
  await requireLock(paths, vm, backupId);
  return undefined;
}

/**
 * What remains to be done when a run is on record: drops the segments that nothing in the repository needs, and those beyond
 * `keepSegments`, removes scratch and socket files, releases the lock. May be called again.
 */
export async function endRun(site: VmSite, backupId: string): Promise<void> {
  const { paths, config } = site;
  await dropSegments(site);
  await removeScratch(paths, config.vm);
  await removeReceiverFiles(paths, config.vm);
  await releaseLock(paths, config.vm, backupId);
}

async function dropSegments(site: VmSite): Promise<void> {
  await using qmp = await reachQemu(site);
  if (!qmp) return;
  const published = await publishedIds(site);
  await dropOldSegments(qmp, (id) => published.has(id), site.config.keepSegments);
}
