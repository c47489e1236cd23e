import type { ExportResult } from '../model/export.ts';
import type { Frozen } from '../model/instant.ts';
import type { BackupResult } from '../model/result.ts';
import type { SnapshotResult } from '../model/snapshot.ts';
import { formatBytes, formatMilliseconds } from './format-amounts.ts';
import type { Finished } from './output.ts';

/** What the end of a command says to people. */
export function finishedSentence(finished: Finished): string {
  if ('snapshotId' in finished) return snapshotSentence(finished);
  if ('outcome' in finished) return exportSentence(finished);
  if ('forgotten' in finished)
    return `${finished.vm}: checkpoint ${finished.forgotten} is forgotten`;
  if ('consistency' in finished) return backupSentence(finished);
  if ('detached' in finished && finished.workflowId.startsWith('export/'))
    return `${finished.vm}: the export stays until it is completed or discarded`;
  if ('detached' in finished)
    return `${finished.vm}: the backup runs on its own. Follow it: stillpoint status ${finished.vm}`;
  if ('cancelling' in finished && finished.abandoned)
    return `${finished.vm}: asked to stop without waiting for its host. The host's worker undoes what is left when it is back.`;
  if ('cancelling' in finished)
    return `${finished.vm}: asked to stop. It undoes what it did; follow it: stillpoint status ${finished.vm}`;
  if ('resumed' in finished) return `${finished.vm}: the copy goes on`;
  if ('aborted' in finished)
    return `${finished.vm}: aborted. It undoes what it did; follow it: stillpoint status ${finished.vm}`;
  if ('bytesPerSecond' in finished)
    return finished.bytesPerSecond === 0
      ? `${finished.vm}: copies without a limit from now on`
      : `${finished.vm}: copies at most ${formatBytes(finished.bytesPerSecond)} a second of each disk from now on`;
  if ('restored' in finished)
    return `${finished.vm}: ${finished.backupId} is restored, and depends on nothing in the repository`;
  if ('backups' in finished) return finished.backups === 0 ? 'No backups yet.' : '';
  if ('running' in finished) return finished.running === 0 ? 'Nothing runs.' : '';
  if ('problems' in finished)
    return finished.warnings === 0
      ? 'Nothing to mend.'
      : `Nothing that must be mended; warnings: ${finished.warnings}.`;
  return '';
}

function snapshotSentence(result: SnapshotResult): string {
  const { vm, snapshotId, consistency, frozenMs, warnings, disks } = result;
  return [
    `${vm}: snapshot ${snapshotId} is taken: ${consistency}-consistent, frozen ${formatMilliseconds(frozenMs)}`,
    ...disks.map((disk) => `  ${disk.device}: ${disk.base}, from now on ${disk.overlay}`),
    ...warnings.map(warningLine),
  ].join('\n');
}

function backupSentence(result: BackupResult): string {
  const { vm, backupId, kind, consistency, frozenMs, pausedMs, warnings, disks } = result;
  const what = result.frozen ? ` (${whatWasFrozen(result.frozen)})` : '';
  return [
    `${vm}: ${kind} backup ${backupId} is complete: ${consistency}-consistent, frozen ${formatMilliseconds(frozenMs)}${what}, paused ${formatMilliseconds(pausedMs)}`,
    ...disks.map(
      (disk) =>
        `  ${disk.device}: ${disk.kind} (${disk.reason}), ${formatBytes(disk.bytes)}, ${disk.file}`,
    ),
    ...warnings.map(warningLine),
  ].join('\n');
}

function exportSentence(result: ExportResult): string {
  const { vm, backupId, outcome, kind, consistency, frozenMs, pausedMs, warnings } = result;
  const end =
    outcome === 'completed'
      ? `is complete: what was read is exact, ${consistency}-consistent, frozen ${formatMilliseconds(frozenMs)}, paused ${formatMilliseconds(pausedMs)}`
      : 'is discarded, and undone';
  return [`${vm}: ${kind} export ${backupId} ${end}`, ...warnings.map(warningLine)].join('\n');
}
/** Names only what was asked for: what a guest calls its mount points does not belong on a terminal. */
function whatWasFrozen({ filesystems, asked }: Frozen): string {
  const count = `${filesystems} file system${filesystems === 1 ? '' : 's'}`;
  return asked ? `${count} of ${asked.join(', ')}` : count;
}

function warningLine(warning: string): string {
  return `  warning: ${warning}`;
}
