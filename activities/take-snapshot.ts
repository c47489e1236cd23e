import { takeSnapshot as capture } from '../capture/snapshot.ts';
import { readSnapshotJournal, writeSnapshotJournal } from '../host/snapshot-journal.ts';
import { LeftoversError } from '../capture/errors.ts';
import type { Instant } from '../model/instant.ts';
import type { SnapshotPlan } from '../model/snapshot.ts';
import type { HostDependencies } from './dependencies.ts';
import { underGuard } from './under-guard.ts';
import { atStep } from './vm-site.ts';

/**
 * Waits for the freeze and has every disk go over to its overlay at one instant, under the guard's eyes. Not to be
 * repeated: whether it happened is for `settleSnapshot` to see.
 */
export async function takeSnapshot(
  dependencies: HostDependencies,
  plan: SnapshotPlan,
  signal: AbortSignal,
): Promise<Instant> {
  return atStep(dependencies, plan, signal, async (site) => {
    const { paths } = site;
    const { vm, backupId } = plan;
    const journal = await readSnapshotJournal(paths, vm);
    if (journal?.backupId !== backupId || journal.state !== 'creating')
      throw new LeftoversError(`${vm}: snapshot ${backupId} is not prepared any more`);
    await writeSnapshotJournal(paths, vm, { ...journal, state: 'sent' });
    return underGuard(site, plan, (qmp) => capture(qmp, plan));
  });
}
