import { Option, type Command } from 'commander';
import { vmNamed } from '../../inventory/vm-named.ts';
import { Quiesce } from '../../model/choices.ts';
import { followBackup } from '../follow-backup.ts';
import type { Session } from '../session.ts';
import { vmArgument } from './vm-argument.ts';

/** Adds `stillpoint snapshot VM`. */
export function addSnapshotCommand(program: Command, session: Session): void {
  program
    .command('snapshot')
    .argument('<vm>', 'a VM of the inventory')
    .description('take an external snapshot of all disks of a VM')
    .addOption(
      new Option('--quiesce <mode>', 'freeze the guest file systems').choices(Quiesce.options),
    )
    .action((vm: string, { quiesce }: { quiesce?: Quiesce }) =>
      takeSnapshot(session, vmArgument(vm), quiesce),
    );
}

async function takeSnapshot(session: Session, vm: string, quiesce?: Quiesce): Promise<void> {
  const { inventory, inventoryPath } = await session.inventory();
  vmNamed(inventory, vm, inventoryPath);
  const client = await session.temporal();
  session.throwIfInterrupted(`${vm}: interrupted; no snapshot was begun.`);
  const snapshot = await client.startSnapshot({ vm, ...(quiesce && { quiesce }) });
  const { workflowId, runId } = snapshot;
  session.print({ type: 'started', vm, workflowId, runId });
  const result = await followBackup(snapshot, {
    client,
    print: (message) => session.print(message),
    signal: session.io.interrupted,
  }).catch((error: unknown) => {
    session.throwIfInterrupted(
      `${vm}: no longer followed. The snapshot goes on (workflow ${workflowId}).`,
    );
    throw error;
  });
  session.print({ type: 'finished', ...result });
}
