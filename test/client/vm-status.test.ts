import { TypedSearchAttributes, defaultPayloadConverter } from '@temporalio/common';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { statusOf } from '../../client/vm-status.ts';

/** What Temporal says of a running backup of web1 with this activity pending. */
function described(pending?: object, rest: object = {}): WorkflowExecutionDescription {
  const description: object = {
    workflowId: 'backup/web1',
    runId: 'run-1',
    type: 'backupVm',
    status: { code: 1, name: 'RUNNING' },
    startTime: new Date('2026-11-24T02:05:01Z'),
    typedSearchAttributes: new TypedSearchAttributes(),
    raw: { pendingActivities: pending ? [pending] : [] },
    ...rest,
  };
  return description as WorkflowExecutionDescription;
}

describe('statusOf', () => {
  it('knows no phase before a worker has taken the workflow', () => {
    expect(statusOf(described())).toEqual({
      vm: 'web1',
      operation: 'backup',
      workflowId: 'backup/web1',
      runId: 'run-1',
      state: 'running',
      startedAt: '2026-11-24T02:05:01.000Z',
    });
  });

  it('reads the phase from the step that runs, and the progress from its heartbeat', () => {
    const progress = { doneBytes: 1, totalBytes: 4, percent: 25 };

    const status = statusOf(
      described({
        activityType: { name: 'watchCopy' },
        state: 2,
        attempt: 1,
        heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(progress)] },
      }),
    );

    expect(status).toMatchObject({
      phase: 'copying',
      progress,
      step: { activity: 'watchCopy', state: 'running', attempt: 1 },
    });
  });

  it.each(['alive', { files: 3 }, null])('takes the heartbeat %j for no progress', (beat) => {
    const payloads = [defaultPayloadConverter.toPayload(beat)];

    const status = statusOf(
      described({ activityType: { name: 'publishBackup' }, heartbeatDetails: { payloads } }),
    );

    expect(status.progress).toBeUndefined();
  });

  it('tells on which queue a step waits for a worker, and what its last attempt failed with', () => {
    const status = statusOf(
      described({
        activityType: { name: 'rollbackBackup' },
        state: 1,
        attempt: 3,
        activityOptions: { taskQueue: { name: 'stillpoint-host-hv1' } },
        lastFailure: {
          message: 'no answer',
          applicationFailureInfo: { type: 'QmpTimeoutError' },
        },
      }),
    );

    expect(status).toMatchObject({
      phase: 'rolling-back',
      step: {
        activity: 'rollbackBackup',
        state: 'waiting',
        attempt: 3,
        taskQueue: 'stillpoint-host-hv1',
        lastFailure: { type: 'QmpTimeoutError', message: 'no answer' },
      },
    });
  });

  it('tells an export and a snapshot from a backup', () => {
    const watched = { activityType: { name: 'watchExport' } };

    const served = statusOf(
      described(watched, { workflowId: 'export/web1', type: 'exportBackup' }),
    );

    expect(served).toMatchObject({ vm: 'web1', operation: 'export', phase: 'serving' });
    expect(statusOf(described(undefined, { type: 'snapshotVm' })).operation).toBe('snapshot');
  });

  it('tells how and when an ended backup ended', () => {
    const closeTime = new Date('2026-11-24T02:06:00Z');

    const status = statusOf(
      described(undefined, { status: { code: 4, name: 'CANCELLED' }, closeTime }),
    );

    expect(status).toMatchObject({ state: 'cancelled', closedAt: '2026-11-24T02:06:00.000Z' });
  });
});
