import type { Command } from 'commander';
import { vmNamed } from '../../inventory/vm-named.ts';
import type { Inventory } from '../../model/inventory.ts';
import type { Checkpoint } from '../../model/checkpoint.ts';
import type { Manifest } from '../../model/manifest.ts';
import { PartlyDoneError } from '../errors.ts';
import type { BackupLine, CheckpointLine } from '../output.ts';
import type { Session } from '../session.ts';
import { vmArgument } from './vm-argument.ts';

/** Adds `stillpoint backups [VM]`. */
export function addBackupsCommand(program: Command, session: Session): void {
  program
    .command('backups')
    .argument('[vm]', 'only this VM')
    .description('what the repository holds, oldest first')
    .action((vm?: string) => listBackups(session, vm === undefined ? vm : vmArgument(vm)));
}

async function listBackups(session: Session, vm: string | undefined): Promise<void> {
  const { inventory, inventoryPath } = await session.inventory();
  let backups = 0;
  const troubles: unknown[] = [];
  for (const folder of repositoriesOf(inventory, vm)) {
    const survey = await session
      .repository(folder)
      .survey(vm, { signal: session.io.interrupted })
      .catch((error: unknown) => void troubles.push(error));
    for (const manifest of survey?.backups ?? [])
      session.print({ type: 'backup', ...lineOf(manifest) });
    for (const checkpoint of survey?.checkpoints ?? [])
      session.print({ type: 'checkpoint', ...checkpointLineOf(checkpoint) });
    for (const broken of survey?.broken ?? []) session.print({ type: 'broken', ...broken });
    backups += survey?.backups.length ?? 0;
    troubles.push(...(survey?.broken ?? []));
  }
  session.throwIfInterrupted('Interrupted.');
  const [first] = troubles;
  if (troubles.length === 1 && backups === 0 && first instanceof Error) throw first;
  if (troubles.length > 0) throw new PartlyDoneError(partly(troubles));
  // A VM that is gone from the inventory still has its backups.
  if (backups === 0 && vm !== undefined) vmNamed(inventory, vm, inventoryPath);
  session.print({ type: 'finished', backups });
}

/** The repositories that the VMs of an inventory use, each once; for one VM its own. */
function repositoriesOf(inventory: Inventory, vm: string | undefined): string[] {
  const own = Object.entries(inventory.vms).filter(([name]) => vm === undefined || name === vm);
  const folders = own.map(([, { repository }]) => repository ?? inventory.repository);
  return [
    ...new Set(vm === undefined || own.length === 0 ? [inventory.repository, ...folders] : folders),
  ];
}

function lineOf(manifest: Manifest): BackupLine {
  const { vm, backupId, kind, parent, takenAt, consistency, disks, ...rest } = manifest;
  const { frozenMs, pausedMs, warnings } = rest;
  const bytes = disks.reduce((total, disk) => total + disk.bytes, 0);
  const devices = disks.map(({ device }) => device);
  const what = { vm, backupId, kind, parent, takenAt, consistency, bytes, devices };
  return { ...what, frozenMs, pausedMs, warnings };
}

function checkpointLineOf(checkpoint: Checkpoint): CheckpointLine {
  const { vm, backupId, kind, parent, takenAt, consistency, disks } = checkpoint;
  const devices = disks.map(({ device }) => device);
  return { vm, backupId, kind, parent, takenAt, consistency, devices };
}

function partly(troubles: readonly unknown[]): string {
  const reasons = troubles.map((trouble) =>
    trouble instanceof Error ? trouble.message : 'a backup is not usable, see above',
  );
  return `Not all could be listed: ${[...new Set(reasons)].join('; ')}`;
}
