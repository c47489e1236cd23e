import type { ExportResult, ServedDisk } from '../model/export.ts';
import type { Frozen } from '../model/instant.ts';
import type { Phase } from '../model/result.ts';
import { formatBytes, formatMilliseconds } from './format-amounts.ts';
import type { Finished, Message } from './output.ts';
import type { VmStatus } from './vm-status.ts';

/** What a message says to people. Empty when it says nothing that its predecessors have not said. */
export function sentence(message: Message): string {
  switch (message.type) {
    case 'started':
      return `${message.vm}: ${message.workflowId.startsWith('export/') ? 'export' : 'backup'} started (workflow ${message.workflowId})`;
    case 'phase':
      return `${message.vm}: ${doing[message.phase]}${message.phase === 'waiting' ? `; why: stillpoint status ${message.vm}` : ''}`;
    case 'progress':
      return `${message.vm}: ${[message.step, message.device].filter(Boolean).join(' ')} ${message.percent} % of ${formatBytes(message.totalBytes)}`;
    case 'waiting':
      return message.pollers === 0
        ? `${message.vm}: no worker polls the task queue ${message.taskQueue}, so the backup waits. Start one there: stillpoint worker`
        : `${message.vm}: waiting for a worker on the task queue ${message.taskQueue}. ${message.pollers} polled it lately: is it busy, or was it just stopped?`;
    case 'retrying':
      return `${message.vm}: ${message.activity} failed (${message.error.type}: ${message.error.message}) and is tried again, attempt ${message.attempt}`;
    case 'note':
      return message.message;
    case 'backup':
      return [
        message.vm,
        message.backupId,
        message.kind.padEnd(12),
        message.consistency.padEnd(10),
        formatBytes(message.bytes).padStart(10),
        message.devices.join(','),
        ...(message.warnings.length > 0 ? [`(${message.warnings.join('; ')})`] : []),
      ].join('  ');
    case 'checkpoint':
      return [
        message.vm,
        message.backupId,
        'checkpoint'.padEnd(12),
        message.consistency.padEnd(10),
        message.devices.join(','),
      ].join('  ');
    case 'served':
      return [
        `${message.vm}: its disks can be read now. Then: stillpoint export-complete ${message.vm}`,
        ...message.disks.map(servedLine),
      ].join('\n');
    case 'broken':
      return `${message.vm}: not a usable backup: ${message.problem}`;
    case 'status':
      return statusSentence(message);
    case 'check':
      return `${message.state.padEnd(7)}  ${message.vm === undefined ? '' : `${message.vm}: `}${message.check}: ${message.message}${message.advice === undefined ? '' : `\n         ${message.advice}`}`;
    case 'restored':
      return message.alreadyThere
        ? `${message.vm}: ${message.device} is already restored, byte for byte: ${message.file}`
        : `${message.vm}: ${message.device} restored to ${message.file}`;
    case 'finished':
      return finishedSentence(message);
    case 'failed':
      return `stillpoint: ${message.error.message}`;
  }
}

const doing: Record<Phase, string> = {
  locating: 'looking up its host',
  planning: 'looking at the VM and deciding what to copy',
  following: 'carrying the tracking over an external snapshot',
  preparing: 'preparing the targets',
  freezing: 'freezing the guest',
  instant: 'taking the instant',
  thawing: 'making sure that the guest is thawed',
  starting: 'starting the copy',
  copying: 'copying',
  waiting: 'waiting for an operator',
  serving: 'its disks can be read',
  closing: 'making sure that what was read is exact',
  committing: 'freeing the VM',
  publishing: 'publishing',
  'rolling-back': 'undoing it',
  'rolled-back': 'undone',
  'not-undone': 'not undone yet',
  done: 'done',
};

function statusSentence(status: VmStatus): string {
  const {
    vm,
    operation,
    state,
    startedAt,
    closedAt,
    progress,
    step,
    failure,
    phase,
    kind,
    backupId,
  } = status;
  if (state !== 'running') {
    const why = failure ? `: ${failure.message} (${failure.type})` : '';
    const end = [endings[state], closedAt, status.outcome === 'discarded' && 'as discarded'];
    return `${[`${vm}: nothing runs; the last ${operation}, started ${startedAt}, ${end.filter(Boolean).join(' ')}`, ...whenCaught(status)].join(', ')}${why}`;
  }
  const parts = [
    `${vm}: ${phase ? doing[phase] : 'waiting for a worker on the task queue stillpoint'}`,
    ...(status.waiting ? [waitingSentence(vm, status.waiting)] : []),
    ...(status.servedUntil === undefined ? [] : [`until ${status.servedUntil}`]),
    ...(progress ? [`${progress.percent} % of ${formatBytes(progress.totalBytes)}`] : []),
    ...(kind === undefined ? [] : [`${kind} ${operation} ${backupId ?? ''}`.trimEnd()]),
    ...whenCaught(status),
    `started ${startedAt}`,
    ...(step?.state === 'waiting' && step.taskQueue
      ? [`waiting for a worker on ${step.taskQueue}`]
      : []),
    ...(step?.lastFailure
      ? [`attempt ${step.attempt}, the last one failed: ${step.lastFailure.message}`]
      : []),
  ];
  return [parts.join(', '), ...(status.served ?? []).map(servedLine)].join('\n');
}

/** How long the guest stood still at the instant, once that is known. */
function whenCaught({ frozenMs, pausedMs }: VmStatus): string[] {
  return [
    ...(frozenMs === undefined ? [] : [`frozen ${formatMilliseconds(frozenMs)}`]),
    ...(pausedMs === undefined ? [] : [`paused ${formatMilliseconds(pausedMs)}`]),
  ];
}

function servedLine({ device, kind, parent, uri, context }: ServedDisk): string {
  return `  ${device}: ${uri}${context === null ? ` (${kind})` : `\n    changed since ${parent ?? ''}: ${context}`}`;
}

/** Names only what was asked for: what a guest calls its mount points does not belong on a terminal. */
function whatWasFrozen({ filesystems, asked }: Frozen): string {
  const count = `${filesystems} file system${filesystems === 1 ? '' : 's'}`;
  return asked ? `${count} of ${asked.join(', ')}` : count;
}

function waitingSentence(vm: string, waiting: NonNullable<VmStatus['waiting']>): string {
  const disks = waiting.disks.map(
    ({ device, error }) => `${device}: ${error === 'no-space' ? 'no space left' : 'an I/O error'}`,
  );
  return `until ${waiting.until} (${disks.join('; ')}; up to ${formatBytes(waiting.neededBytes)} are left to be written; then stillpoint resume ${vm}, or stillpoint abort ${vm})`;
}

const endings = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'was cancelled',
  terminated: 'was terminated',
  'timed-out': 'timed out',
} as const;

function finishedSentence(finished: Finished): string {
  if ('snapshotId' in finished) {
    const { vm, snapshotId, consistency, frozenMs, warnings, disks } = finished;
    return [
      `${vm}: snapshot ${snapshotId} is taken: ${consistency}-consistent, frozen ${formatMilliseconds(frozenMs)}`,
      ...disks.map((disk) => `  ${disk.device}: ${disk.base}, from now on ${disk.overlay}`),
      ...warnings.map((warning) => `  warning: ${warning}`),
    ].join('\n');
  }
  if ('outcome' in finished) return exportSentence(finished);
  if ('forgotten' in finished)
    return `${finished.vm}: checkpoint ${finished.forgotten} is forgotten`;
  if ('consistency' in finished) {
    const { vm, backupId, kind, consistency, frozenMs, pausedMs, warnings, disks } = finished;
    const what = finished.frozen ? ` (${whatWasFrozen(finished.frozen)})` : '';
    const lines = [
      `${vm}: ${kind} backup ${backupId} is complete: ${consistency}-consistent, frozen ${formatMilliseconds(frozenMs)}${what}, paused ${formatMilliseconds(pausedMs)}`,
      ...disks.map(
        (disk) =>
          `  ${disk.device}: ${disk.kind} (${disk.reason}), ${formatBytes(disk.bytes)}, ${disk.file}`,
      ),
      ...warnings.map((warning) => `  warning: ${warning}`),
    ];
    return lines.join('\n');
  }
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

function exportSentence(finished: ExportResult): string {
  const { vm, backupId, outcome, kind, consistency, frozenMs, pausedMs, warnings } = finished;
  const end =
    outcome === 'completed'
      ? `is complete: what was read is exact, ${consistency}-consistent, frozen ${formatMilliseconds(frozenMs)}, paused ${formatMilliseconds(pausedMs)}`
      : 'is discarded, and undone';
  return [
    `${vm}: ${kind} export ${backupId} ${end}`,
    ...warnings.map((warning) => `  warning: ${warning}`),
  ].join('\n');
}
