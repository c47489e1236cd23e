import { Option, type Command } from 'commander';
import { vmNamed } from '../../inventory/vm-named.ts';
import { Quiesce } from '../../model/choices.ts';
import type { ExportRequest } from '../../model/export.ts';
import { BackupId } from '../../model/names.ts';
import { UsageError } from '../errors.ts';
import type { Session } from '../session.ts';
import { vmArgument } from './vm-argument.ts';

type Options = {
  kind?: NonNullable<ExportRequest['kind']>;
  since?: string;
  quiesce?: Quiesce;
  detach?: true;
};

/** Adds `stillpoint export VM`, and what its consumer says in the end. */
export function addExportCommands(program: Command, session: Session): void {
  program
    .command('export')
    .argument('<vm>', 'a VM of the inventory')
    .description('serve the disks of a VM over NBD, as they are now, until that is completed')
    .addOption(
      new Option('--kind <kind>', 'whether to tell what has changed (auto: where tracked)').choices(
        ['auto', 'full', 'incremental'],
      ),
    )
    .option('--since <id>', 'tell what has changed since this checkpoint or backup')
    .addOption(
      new Option('--quiesce <mode>', 'freeze the guest file systems').choices(Quiesce.options),
    )
    .option('--detach', 'return once the disks can be read')
    .action((vm: string, options: Options) => serve(session, vmArgument(vm), options));
  for (const [name, decide, description] of [
    ['export-complete', 'complete', 'all was read: confirm that it is exact, and keep the instant'],
    ['export-discard', 'discard', 'give an export up, and undo it'],
  ] as const)
    program
      .command(name)
      .argument('<vm>', 'the VM that is exported')
      .description(description)
      .action(async (given: string) => {
        const vm = vmArgument(given);
        const { inventory, inventoryPath } = await session.inventory();
        vmNamed(inventory, vm, inventoryPath);
        const running = await (await session.temporal()).findExport(vm);
        session.print({ type: 'finished', ...(await running[decide]()) });
      });
  program
    .command('export-forget')
    .argument('<vm>', 'the VM that was exported')
    .argument('<id>', 'the checkpoint')
    .description('forget a checkpoint: nothing is told since it any more')
    .action((vm: string, id: string) => forget(session, vmArgument(vm), id));
}

async function serve(session: Session, vm: string, options: Options): Promise<void> {
  const { kind, since, quiesce, detach } = options;
  if (since !== undefined) checkpointArgument(since);
  const { inventory, inventoryPath } = await session.inventory();
  vmNamed(inventory, vm, inventoryPath);
  const client = await session.temporal();
  session.throwIfInterrupted(`${vm}: interrupted; no export was started.`);
  const running = await client.startExport({
    vm,
    ...(kind && { kind }),
    ...(since !== undefined && { since }),
    ...(quiesce && { quiesce }),
  });
  const { workflowId, runId } = running;
  session.print({ type: 'started', vm, workflowId, runId });
  try {
    const disks = await running.served(session.io.interrupted);
    session.print({ type: 'served', vm, disks });
    if (detach) session.print({ type: 'finished', vm, workflowId, detached: true });
    else session.print({ type: 'finished', ...(await running.result(session.io.interrupted)) });
  } catch (error) {
    session.throwIfInterrupted(
      `${vm}: no longer followed. The export goes on (workflow ${workflowId}). End it: stillpoint export-complete ${vm}, or stillpoint export-discard ${vm}`,
    );
    throw error;
  }
}

async function forget(session: Session, vm: string, id: string): Promise<void> {
  const backupId = checkpointArgument(id);
  const { inventory, inventoryPath } = await session.inventory();
  const folder = vmNamed(inventory, vm, inventoryPath).repository ?? inventory.repository;
  const signal = session.io.interrupted;
  await session.repository(folder).forgetCheckpoint(vm, backupId, { signal });
  session.print({ type: 'finished', vm, forgotten: backupId });
}

function checkpointArgument(given: string): string {
  const id = BackupId.safeParse(given);
  if (id.success) return id.data;
  throw new UsageError(
    `${given}: a checkpoint's or backup's id looks like 20261124T020501Z-3fa9. \`stillpoint backups\` lists them.`,
  );
}
