import { Option, type Command } from 'commander';
import { UnknownVmError } from '../../inventory/errors.ts';
import { vmNamed } from '../../inventory/vm-named.ts';
import { BackupId } from '../../model/names.ts';
import type { ImageFormat } from '../../qemu/images/image-file.ts';
import { NoBackupError, UsageError } from '../errors.ts';
import { restoreBackup, type RestoreRequest } from '../restore/restore-backup.ts';
import type { LoadedInventory, Session } from '../session.ts';
import { vmArgument } from './vm-argument.ts';

/** Adds `stillpoint restore VM [ID]`. */
export function addRestoreCommand(program: Command, session: Session): void {
  program
    .command('restore')
    .argument('<vm>', 'the VM whose disks to restore')
    .argument('[id]', 'the backup; the newest if none is named')
    .description('write the disks of a backup to a folder; needs no Temporal and no worker')
    .requiredOption('--to <dir>', 'the folder to write to')
    .addOption(
      new Option('--format <format>', 'of the files').choices(['qcow2', 'raw']).default('qcow2'),
    )
    .action((vm: string, id: string | undefined, options: { to: string; format: ImageFormat }) =>
      restore(session, { vm: vmArgument(vm), backupId: idArgument(id), ...options }),
    );
}

async function restore(session: Session, request: RestoreRequest): Promise<void> {
  const { vm } = request;
  const loaded = await session.inventory();
  const repository = session.repository(repositoryFolder(loaded, vm));
  const signal = session.io.interrupted;
  const print = session.print.bind(session);
  const restored = await restoreBackup(repository, request, { print, signal }).catch(
    (error: unknown) => {
      session.throwIfInterrupted(
        `${vm}: the restore was interrupted. Disks that are restored stay; run it again for the others.`,
      );
      if (error instanceof NoBackupError) vmNamed(loaded.inventory, vm, loaded.inventoryPath);
      throw error;
    },
  );
  print({ type: 'finished', ...restored });
}

/** A VM that is gone from the inventory can be restored all the same: its backups are where backups are by default. */
function repositoryFolder({ inventory, inventoryPath }: LoadedInventory, vm: string): string {
  try {
    return vmNamed(inventory, vm, inventoryPath).repository;
  } catch (error) {
    if (error instanceof UnknownVmError) return inventory.repository;
    throw error;
  }
}

function idArgument(given: string | undefined): string | undefined {
  if (given === undefined || BackupId.safeParse(given).success) return given;
  throw new UsageError(
    `${given}: a backup id looks like 20261124T020501Z-3fa9. \`stillpoint backups\` lists them.`,
  );
}
