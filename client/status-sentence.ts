import type { ServedDisk } from '../model/export.ts';
import type { Phase } from '../model/result.ts';
import { formatBytes, formatMilliseconds } from './format-amounts.ts';
import type { VmStatus } from './vm-status.ts';

/** What is done in each phase, in words. */
export const phaseInWords: Record<Phase, string> = {
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

const endings = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'was cancelled',
  terminated: 'was terminated',
  'timed-out': 'timed out',
} as const;

/** What the status of a VM says to people. */
export function statusSentence(status: VmStatus): string {
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
    `${vm}: ${phase ? phaseInWords[phase] : 'waiting for a worker on the task queue stillpoint'}`,
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

/** Where a disk that is exported is read. */
export function servedLine({ device, kind, parent, uri, context }: ServedDisk): string {
  return `  ${device}: ${uri}${context === null ? ` (${kind})` : `\n    changed since ${parent ?? ''}: ${context}`}`;
}

function waitingSentence(vm: string, waiting: NonNullable<VmStatus['waiting']>): string {
  const disks = waiting.disks.map(
    ({ device, error }) => `${device}: ${error === 'no-space' ? 'no space left' : 'an I/O error'}`,
  );
  return `until ${waiting.until} (${disks.join('; ')}; up to ${formatBytes(waiting.neededBytes)} are left to be written; then stillpoint resume ${vm}, or stillpoint abort ${vm})`;
}
