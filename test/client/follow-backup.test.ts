import { describe, expect, it } from 'vitest';
import { BackupFailedError, TemporalUnreachableError } from '../../client/errors.ts';
import { followBackup } from '../../client/follow-backup.ts';
import type { Message } from '../../client/output.ts';
import type { RunningBackup } from '../../client/running-backup.ts';
import type { VmStatus } from '../../client/vm-status.ts';
import type { BackupResult } from '../../model/result.ts';

const result = { vm: 'web1', backupId: '20261124T020501Z-3fa9' } as BackupResult;

const running: VmStatus = {
  vm: 'web1',
  operation: 'backup',
  workflowId: 'backup/web1',
  runId: 'r',
  state: 'running',
  startedAt: '2026-11-24T02:05:01.000Z',
};

/** A backup that shows these statuses one after another, the last one for good, until `told` says that it ends. */
function backupThat(options: {
  statuses: VmStatus[];
  pollers?: number;
  endsAfter: Message['type'];
  end?: () => Promise<BackupResult>;
}) {
  const { statuses, pollers = 1, endsAfter, end = async () => result } = options;
  const told: Message[] = [];
  const interrupted = new AbortController();
  let ended = () => {};
  const over = new Promise<void>((resolve) => (ended = resolve));
  const backup = {
    vm: 'web1',
    status: async () => (statuses.length > 1 ? statuses.shift() : statuses[0]),
    result: async (signal: AbortSignal) => {
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
      await Promise.race([over, aborted]);
      return end();
    },
  } as Partial<RunningBackup> as RunningBackup;
  const following = {
    client: { countPollers: async () => pollers },
    print: (message: Message) => {
      told.push(message);
      if (message.type === endsAfter) ended();
    },
    signal: interrupted.signal,
    lookEveryMs: 1,
    patienceMs: 5,
  };
  return { backup, following, told, interrupted };
}

describe('followBackup', () => {
  it('tells each phase once, and how far the copy is', async () => {
    const progress = { doneBytes: 1, totalBytes: 2, percent: 50 };
    const planning = { activity: 'planBackup', state: 'running', attempt: 1 } as const;
    const { backup, following, told } = backupThat({
      statuses: [
        { ...running, phase: 'planning', step: planning },
        { ...running, phase: 'planning', step: planning },
        { ...running, phase: 'copying', progress, step: { ...planning, activity: 'watchCopy' } },
      ],
      endsAfter: 'progress',
    });

    expect(await followBackup(backup, following)).toBe(result);
    expect(told).toEqual([
      { type: 'phase', vm: 'web1', phase: 'planning' },
      { type: 'phase', vm: 'web1', phase: 'copying' },
      { type: 'progress', vm: 'web1', step: 'copying', ...progress },
    ]);
  });

  it('says that nobody polls the task queue of the workflows', async () => {
    const { backup, following, told } = backupThat({
      statuses: [running],
      pollers: 0,
      endsAfter: 'waiting',
    });

    await followBackup(backup, following);

    expect(told).toEqual([{ type: 'waiting', vm: 'web1', taskQueue: 'stillpoint', pollers: 0 }]);
  });

  it("says that nobody polls the host's task queue", async () => {
    const step = {
      activity: 'planBackup',
      state: 'waiting',
      attempt: 1,
      taskQueue: 'stillpoint-host-hv1',
    } as const;
    const { backup, following, told } = backupThat({
      statuses: [{ ...running, phase: 'planning', step }],
      pollers: 0,
      endsAfter: 'waiting',
    });

    await followBackup(backup, following);

    expect(told.at(-1)).toEqual({
      type: 'waiting',
      vm: 'web1',
      taskQueue: 'stillpoint-host-hv1',
      pollers: 0,
    });
  });

  it('tells why a step is tried again', async () => {
    const lastFailure = { type: 'QmpTimeoutError', message: 'no answer' };
    const step = { activity: 'startCopy', state: 'waiting', attempt: 2, lastFailure } as const;
    const { backup, following, told } = backupThat({
      statuses: [{ ...running, phase: 'starting', step }],
      endsAfter: 'retrying',
    });

    await followBackup(backup, following);

    expect(told.at(-1)).toEqual({
      type: 'retrying',
      vm: 'web1',
      activity: 'startCopy',
      attempt: 2,
      error: lastFailure,
    });
  });

  it('rejects with what failed the backup', async () => {
    const { backup, following } = backupThat({
      statuses: [{ ...running, phase: 'planning' }],
      endsAfter: 'phase',
      end: async () => {
        throw new BackupFailedError('web1', 'VmBusyError', 'another backup runs');
      },
    });

    await expect(followBackup(backup, following)).rejects.toMatchObject({ type: 'VmBusyError' });
  });

  it('stops waiting when it is interrupted', async () => {
    const { backup, following, interrupted } = backupThat({
      statuses: [running],
      endsAfter: 'finished',
    });

    const followed = followBackup(backup, following);
    interrupted.abort(new Error('Ctrl-C'));

    await expect(followed).rejects.toThrow('Ctrl-C');
  });

  it('goes on waiting when Temporal is away for a while', async () => {
    let attempts = 0;
    const { backup, following, told } = backupThat({
      statuses: [{ ...running, phase: 'copying' }],
      endsAfter: 'phase',
      end: async () => {
        attempts += 1;
        if (attempts === 1) throw new TemporalUnreachableError('Temporal does not answer.');
        return result;
      },
    });

    expect(await followBackup(backup, following)).toBe(result);
    expect(told).toContainEqual({
      type: 'note',
      message: 'Temporal does not answer. The backup itself goes on. Trying again.',
    });
  });

  it('gives up when Temporal stays away', async () => {
    const { backup, following } = backupThat({
      statuses: [{ ...running, phase: 'copying' }],
      endsAfter: 'phase',
      end: async () => {
        throw new TemporalUnreachableError('Temporal does not answer.');
      },
    });

    await expect(followBackup(backup, { ...following, outageMs: 0 })).rejects.toThrow(
      TemporalUnreachableError,
    );
  });
});
