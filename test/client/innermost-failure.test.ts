import { WorkflowFailedError } from '@temporalio/client';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { innermostFailure } from '../../client/innermost-failure.ts';

/** What Temporal makes of a workflow whose activity `planBackup` failed with `cause`. */
function failedBy(cause: Error): WorkflowFailedError {
  const activity = new ActivityFailure(
    'Activity task failed',
    'planBackup',
    '1',
    'NON_RETRYABLE_FAILURE',
    undefined,
    cause,
  );
  return new WorkflowFailedError('Workflow execution failed', activity, 'NON_RETRYABLE_FAILURE');
}

describe('innermostFailure', () => {
  it('is the error that the activity threw, not the system error behind it', () => {
    const thrown = ApplicationFailure.create({
      type: 'QmpConnectError',
      message: '/run/q.sock: no connection',
      cause: ApplicationFailure.create({ type: 'Error', message: 'connect ENOENT' }),
    });

    expect(innermostFailure(failedBy(thrown))).toEqual({
      type: 'QmpConnectError',
      message: '/run/q.sock: no connection',
    });
  });

  it('is the error that the workflow itself threw', () => {
    const thrown = ApplicationFailure.create({
      type: 'RequestError',
      message: 'the input is wrong',
    });

    const failure = innermostFailure(
      new WorkflowFailedError('Workflow execution failed', thrown, 'NON_RETRYABLE_FAILURE'),
    );

    expect(failure.type).toBe('RequestError');
  });

  it('says of a step that nobody took that a worker is missing', () => {
    const timeout = new TimeoutFailure('activity timed out', undefined, 'SCHEDULE_TO_START');

    expect(innermostFailure(failedBy(timeout))).toEqual({
      type: 'TimeoutFailure',
      message:
        "no worker took the step planBackup. Is the worker of the VM's host running? `stillpoint doctor` tells.",
    });
  });

  it('prefers what an earlier attempt failed with to the time-out of the last', () => {
    const timeout = new TimeoutFailure('activity timed out', undefined, 'SCHEDULE_TO_CLOSE');
    const earlier = ApplicationFailure.create({ type: 'AgentTimeoutError', message: 'mute' });
    Object.assign(timeout, { cause: earlier });

    expect(innermostFailure(failedBy(timeout))).toEqual({
      type: 'AgentTimeoutError',
      message: 'mute',
    });
  });

  const ends = [
    { end: new CancelledFailure('Workflow canceled'), type: 'CancelledFailure', says: 'is undone' },
    { end: new TerminatedFailure('terminated'), type: 'TerminatedFailure', says: 'sweeps up' },
  ];
  it.each(ends.map((one) => [one.type, one] as const))(
    'says what %s means for the VM',
    (_, { end, type, says }) => {
      const failure = innermostFailure(
        new WorkflowFailedError('Workflow execution failed', end, 'NON_RETRYABLE_FAILURE'),
      );

      expect(failure.type).toBe(type);
      expect(failure.message).toContain(says);
    },
  );
});
