import { z } from 'zod';
import { readJsonFile, writeDurably } from '../files/durable.ts';
import { AbsolutePath, BackupId, DeviceName } from '../model/names.ts';
import { StateError } from './errors.ts';
import { makeVmFolders, type StatePaths } from './state-paths.ts';

/**
 * What is known of the last snapshot of a VM, written before each thing that it says is done. `creating`: files and nodes may
 * be there, and the guest has never written to them. `sent`: it may have gone over to them. `taken` and `undone` are
 * the two ends; such a journal stays until the next snapshot, for whoever asks again.
 */
export const SnapshotJournal = z.strictObject({
  backupId: BackupId,
  state: z.enum(['creating', 'sent', 'taken', 'undone']),
  disks: z.array(
    z.strictObject({
      device: DeviceName,
      node: z.string().describe('Of the overlay.'),
      base: AbsolutePath,
      overlay: AbsolutePath,
    }),
  ),
});
export type SnapshotJournal = z.infer<typeof SnapshotJournal>;

/** On disk when this resolves. */
export async function writeSnapshotJournal(
  paths: StatePaths,
  vm: string,
  journal: SnapshotJournal,
): Promise<void> {
  const { snapshot } = await makeVmFolders(paths, vm);
  await writeDurably(snapshot, JSON.stringify(journal));
}

/** The journal of the VM's last snapshot; undefined when there was none. A file that is no journal is a `StateError`. */
export async function readSnapshotJournal(
  paths: StatePaths,
  vm: string,
): Promise<SnapshotJournal | undefined> {
  const { snapshot } = paths.vm(vm);
  const content = await readJsonFile(snapshot);
  if (content === undefined) return undefined;
  const journal = SnapshotJournal.safeParse(content);
  if (journal.success) return journal.data;
  throw new StateError(
    `${snapshot}: not the journal of a snapshot; look which images the VM has, and remove it (${z.prettifyError(journal.error)})`,
  );
}
