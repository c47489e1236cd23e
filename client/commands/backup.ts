import { Option, type Command } from 'commander';
import { vmNamed } from '../../inventory/vm-named.ts';
import { OnError, Quiesce, RequestedKind, Shield } from '../../model/choices.ts';
import { BackupId } from '../../model/names.ts';
import { UsageError } from '../errors.ts';
import { followBackup } from '../follow-backup.ts';
import type { Session } from '../session.ts';
import { bytesPerSecondArgument } from './bandwidth.ts';
import { vmArgument } from './vm-argument.ts';

type Options = {
  kind?: RequestedKind;
  since?: string;
  quiesce?: Quiesce;
  shield?: Shield;
  maxBytesPerSecond?: string;
  onSourceError?: OnError;
  onTargetError?: OnError;
  detach?: true;
};

/** Adds `stillpoint backup VM`. */
export function addBackupCommand(program: Command, session: Session): void {
  program
    .command('backup')
    .argument('<vm>', 'a VM of the inventory')
    .description('back up a VM now, and follow it to its end')
    .addOption(
      new Option('--kind <kind>', 'what to copy (auto: the changes, where tracked)').choices(
        RequestedKind.options,
      ),
    )
    .option('--since <id>', 'a differential: the changes since this backup')
    .addOption(
      new Option('--quiesce <mode>', 'freeze the guest file systems').choices(Quiesce.options),
    )
    .addOption(
      new Option('--shield <shield>', 'what stands between guest and target').choices(
        Shield.options,
      ),
    )
    .option('--max-bytes-per-second <bytes>', 'copy no disk faster: 50MiB, or 0 for no limit')
    .addOption(
      new Option('--on-source-error <what>', 'when a disk cannot be read').choices(OnError.options),
    )
    .addOption(
      new Option('--on-target-error <what>', 'when the target cannot be written').choices(
        OnError.options,
      ),
    )
    .option('--detach', 'return once the backup has started')
    .action((vm: string, options: Options) => backUp(session, vmArgument(vm), options));
}

async function backUp(session: Session, vm: string, options: Options): Promise<void> {
  const { since, quiesce, shield, onSourceError, onTargetError, detach } = options;
  const kind = kindAsked(options);
  const speed = options.maxBytesPerSecond;
  const maxBytesPerSecond = speed === undefined ? undefined : bytesPerSecondArgument(speed);
  const { inventory, inventoryPath } = await session.inventory();
  vmNamed(inventory, vm, inventoryPath);
  const client = await session.temporal();
  session.throwIfInterrupted(`${vm}: interrupted; no backup was started.`);
  const backup = await client.startBackup({
    vm,
    ...(kind && { kind }),
    ...(since !== undefined && { since }),
    ...(quiesce && { quiesce }),
    ...(shield && { shield }),
    ...(maxBytesPerSecond !== undefined && { maxBytesPerSecond }),
    ...(onSourceError && { onSourceError }),
    ...(onTargetError && { onTargetError }),
  });
  const { workflowId, runId } = backup;
  session.print({ type: 'started', vm, workflowId, runId });
  if (detach) {
    session.print({ type: 'finished', vm, workflowId, detached: true });
    return;
  }
  const result = await followBackup(backup, {
    client,
    print: (message) => session.print(message),
    signal: session.io.interrupted,
  }).catch((error: unknown) => {
    session.throwIfInterrupted(
      `${vm}: no longer followed. The backup goes on (workflow ${workflowId}). Cancel it: stillpoint cancel ${vm}`,
    );
    throw error;
  });
  session.print({ type: 'finished', ...result });
}

/** A start given means a differential; given for any other kind, it would be ignored in silence. */
function kindAsked({ kind, since }: Options): RequestedKind | undefined {
  if (since === undefined) return kind;
  if (!BackupId.safeParse(since).success)
    throw new UsageError(
      `--since ${since}: a backup id looks like 20261124T020501Z-3fa9. \`stillpoint backups\` lists them.`,
    );
  if (kind !== undefined && kind !== 'differential')
    throw new UsageError(
      `--since goes with --kind differential, not with ${kind}: leave one of them out.`,
    );
  return 'differential';
}
