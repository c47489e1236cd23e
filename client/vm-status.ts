import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter, defineSearchAttributeKey } from '@temporalio/common';
import type { ExportResult } from '../model/export.ts';
import type { Progress } from '../model/instant.ts';
import type { Phase } from '../model/result.ts';
import type { BackupStatus } from '../workflows/report.ts';
import type { ExportStatus } from '../workflows/signals.ts';
import type { Failure } from './innermost-failure.ts';
import { vmOf } from './workflow-ids.ts';

/** How the latest run of a VM stands. Fields are left out as long as nobody knows them. */
export type VmStatus = Partial<
  Omit<BackupStatus, 'vm'> & Omit<ExportStatus, keyof BackupStatus>
> & {
  readonly vm: string;
  readonly operation: 'backup' | 'snapshot' | 'export';
  readonly workflowId: string;
  readonly runId: string;
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed-out';
  readonly startedAt: string;
  readonly closedAt?: string;
  /** How far the copy is. */
  readonly progress?: Progress;
  /** The step that runs, or waits for a worker. */
  readonly step?: Step;
  /** What an ended export came to. */
  readonly outcome?: ExportResult['outcome'];
  /** Why it ended without success. */
  readonly failure?: Failure;
};

/** An activity of the workflow that has not ended. */
type Step = {
  readonly activity: string;
  /** `waiting`: no worker has it now, be it that none took it yet or that it is between two attempts. */
  readonly state: 'waiting' | 'running';
  readonly attempt: number;
  readonly taskQueue?: string;
  /** What the attempt before this one failed with. */
  readonly lastFailure?: Failure;
};

const operations: Record<string, VmStatus['operation']> = {
  backupVm: 'backup',
  snapshotVm: 'snapshot',
  exportBackup: 'export',
};

const states = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'terminated',
  TIMED_OUT: 'timed-out',
} as const;

/** @see temporal/api/enums/v1/workflow.proto, PENDING_ACTIVITY_STATE_CANCEL_REQUESTED */
const cancelRequested = 3;

/** Which phase a running step means. */
const phases: Record<string, Phase> = {
  locateVm: 'locating',
  planBackup: 'planning',
  carryTrackingOver: 'following',
  prepareTargets: 'preparing',
  freezeGuest: 'freezing',
  takeInstant: 'instant',
  thawGuest: 'thawing',
  startCopy: 'starting',
  watchCopy: 'copying',
  watchHalt: 'waiting',
  resumeCopy: 'waiting',
  planExport: 'planning',
  prepareExport: 'preparing',
  startExport: 'starting',
  watchExport: 'serving',
  closeExport: 'closing',
  publishExport: 'publishing',
  commitBackup: 'committing',
  publishBackup: 'publishing',
  rollbackBackup: 'rolling-back',
  planSnapshot: 'planning',
  prepareSnapshot: 'preparing',
  takeSnapshot: 'instant',
  settleSnapshot: 'committing',
};

const backupIdKey = defineSearchAttributeKey('StillpointBackupId', 'KEYWORD');

/** Reads a status from what Temporal says of a workflow. Needs no worker and costs no action. */
export function statusOf(description: WorkflowExecutionDescription): VmStatus {
  const { workflowId, runId, type, status, startTime, closeTime, raw } = description;
  const activities = raw.pendingActivities ?? [];
  const pending =
    activities.findLast(({ state }) => Number(state) !== cancelRequested) ?? activities.at(-1);
  const activity = pending?.activityType?.name ?? undefined;
  const backupId = description.typedSearchAttributes.get(backupIdKey);
  const phase = activity === undefined ? undefined : phases[activity];
  const progress = pending && progressIn(pending);
  return {
    vm: vmOf(workflowId) ?? workflowId,
    operation: operations[type] ?? 'backup',
    workflowId,
    runId,
    state: states[status.name as keyof typeof states] ?? 'running',
    startedAt: startTime.toISOString(),
    ...(closeTime && { closedAt: closeTime.toISOString() }),
    ...(backupId !== undefined && { backupId }),
    ...(phase && { phase }),
    ...(progress && { progress }),
    ...(pending && activity !== undefined && { step: stepOf(pending, activity) }),
  };
}

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

function stepOf(pending: Pending, activity: string): Step {
  const failure = pending.lastFailure;
  const queue = pending.activityOptions?.taskQueue?.name;
  return {
    activity,
    // @see temporal/api/enums/v1/workflow.proto, PENDING_ACTIVITY_STATE_SCHEDULED
    state: Number(pending.state) === 1 ? 'waiting' : 'running',
    attempt: pending.attempt ?? 1,
    ...(queue && { taskQueue: queue }),
    ...(failure && {
      lastFailure: {
        type: failure.applicationFailureInfo?.type ?? 'Error',
        message: failure.message ?? '',
      },
    }),
  };
}

/** The last heartbeat of `watchCopy`. */
function progressIn(pending: Pending): Progress | undefined {
  const payload = pending.heartbeatDetails?.payloads?.[0];
  if (!payload) return undefined;
  const details: unknown = defaultPayloadConverter.fromPayload(payload);
  if (typeof details !== 'object' || details === null) return undefined;
  return 'percent' in details && 'doneBytes' in details && 'totalBytes' in details
    ? (details as Progress)
    : undefined;
}
