import { NotFreedError } from '../capture/errors.ts';
import { isInUse } from '../capture/snapshot.ts';
import { tolerant } from '../capture/tolerant.ts';
import { readVmState } from '../capture/vm-state.ts';
import { removeOverlays } from '../host/overlay-files.ts';
import {
  readSnapshotJournal,
  writeSnapshotJournal,
  type SnapshotJournal,
} from '../host/snapshot-journal.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import type { VmSite } from './vm-site.ts';

/**
 * Ends a snapshot that nobody has ended: one that was taken stays; of one that was not, nodes and files are removed. A
 * file is only ever removed when the guest has certainly not written to it. Returns what is left for an operator to look
 * at. `qmp` is undefined when QEMU has ended. May be repeated at any point.
 */
export async function settleOverlays(
  { paths, config }: VmSite,
  qmp: QmpClient | undefined,
): Promise<string[]> {
  const { vm } = config;
  const journal = await readSnapshotJournal(paths, vm);
  if (journal?.state !== 'creating' && journal?.state !== 'sent') return [];
  const become = (state: SnapshotJournal['state']) =>
    writeSnapshotJournal(paths, vm, { ...journal, state });
  const there = qmp ? await nodesThere(qmp, journal) : { any: false, inUse: false };
  if (there.inUse) {
    await become('taken');
    return [];
  }
  const files = journal.disks.map(({ overlay }) => overlay);
  if (journal.state === 'sent' && !there.any) {
    // Another QEMU, or none: which images the one before had in the end it has taken along.
    await become('undone');
    return [
      `${files.join(', ')}: QEMU ended while snapshot ${journal.backupId} was being taken, and the guest may have written to these; ` +
        'see what the VM was started from before you remove one',
    ];
  }
  if (qmp && there.any) {
    for (const { node } of journal.disks)
      await tolerant(qmp.execute('blockdev-del', { 'node-name': node }));
    if ((await nodesThere(qmp, journal)).any)
      throw new NotFreedError(`snapshot ${journal.backupId}: its nodes are still in the VM`);
  }
  await become('creating');
  await removeOverlays(files);
  await become('undone');
  return [];
}

async function nodesThere(qmp: QmpClient, { disks }: SnapshotJournal) {
  const state = await readVmState(qmp);
  const nodes = disks.map(({ node }) => node).filter((node) => state.graph.nodes.includes(node));
  return { any: nodes.length > 0, inUse: nodes.some((node) => isInUse(state, node)) };
}
