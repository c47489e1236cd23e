import { ApplicationFailure } from '@temporalio/common';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FreezeFailedError } from '../../../activities/errors.ts';
import { BlockJobError, QmpTimeoutError } from '../../../qemu/errors.ts';
import { RepositoryUnreachableError } from '../../../repository/errors.ts';
import { failing } from './failing.ts';
import { goesWell, instant } from './fake-host.ts';
import { storeHistory } from './histories.ts';
import { outcomeOf } from './outcome.ts';
import { Stage } from './stage.ts';
import { allSteps } from './steps-of.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.build();
});
afterAll(async () => stage[Symbol.asyncDispose]());

describe.concurrent('backupVm', { timeout: 60_000 }, () => {
  it('takes the steps of a backup in their order and returns what was published', async () => {
    const { calls, start } = stage.vm('success');
    const backup = await start();

    const result = await backup.result();

    expect(calls).toEqual(allSteps);
    expect(result).toMatchObject({
      vm: 'success',
      kind: 'full',
      consistency: 'filesystem',
      frozenMs: 41.5,
      pausedMs: 3.2,
      frozen: { filesystems: 2 },
      warnings: [],
    });
    await storeHistory('success', backup);
  });

  it('goes on after a failed freeze, as crash-consistent, and says why', async () => {
    const freeze = { frozen: false, filesystems: 0, trouble: 'no agent' };
    const takeInstant = async () => ({ ...instant, freeze });
    const { calls, start } = stage.vm('not-frozen', { takeInstant });
    const backup = await start({ quiesce: 'preferred' });

    const result = await backup.result();

    expect(calls).toEqual(allSteps);
    expect(result).toMatchObject({ consistency: 'crash', warnings: ['no agent'] });
    await storeHistory('not-frozen', backup);
  });

  it('goes on after a freeze of less than was asked for, as crash-consistent, and says what was frozen', async () => {
    const frozen = { filesystems: 1, asked: ['/', '/x'], known: ['/'] };
    const freeze = { frozen: true, ...frozen, shortfall: 'no /x' };
    const takeInstant = async () => ({ ...instant, freeze });
    const { start } = stage.vm('frozen-in-part', { takeInstant });
    const backup = await start({ quiesce: 'preferred' });

    const result = await backup.result();

    expect(result).toMatchObject({ consistency: 'crash', frozen, warnings: ['no /x'] });
  });

  it('tells the error that the thaw was answered with', async () => {
    const thawGuest = async () => ({ frozenMs: 40, held: false, trouble: 'hook has failed' });
    const { start } = stage.vm('thaw-troubled', { thawGuest });

    const result = await (await start({ quiesce: 'preferred' })).result();

    expect(result).toMatchObject({
      consistency: 'crash',
      warnings: [expect.stringMatching('hook has failed'), expect.any(String)],
    });
  });

  it('fails at once, undone, when a freeze was required and failed', async () => {
    const { calls, start } = stage.vm('freeze-failed', {
      takeInstant: async () => {
        throw new FreezeFailedError('no agent');
      },
    });
    const backup = await start({ quiesce: 'required' });

    const outcome = await outcomeOf(backup);

    expect(outcome).toEqual({ status: 'FAILED', error: 'FreezeFailedError' });
    expect(calls).toEqual([
      'planBackup',
      'prepareTargets',
      'freezeGuest',
      'takeInstant',
      'thawGuest',
      'rollbackBackup',
    ]);
    await storeHistory('freeze-failed', backup);
  });

  it('calls a backup crash-consistent whose freeze may not have held, and says why', async () => {
    const thawGuest = async () => ({ frozenMs: 0, held: false });
    const { calls, start } = stage.vm('freeze-unknown', { thawGuest });

    const { consistency, warnings } = await (await start()).result();

    expect(consistency).toBe('crash');
    expect(warnings).toEqual(['whether the freeze still held at the instant is not known']);
    expect(calls).toEqual(allSteps);
  });

  it('fails, undone, when the copy failed', async () => {
    const watchCopy = failing(1, new BlockJobError('sp-j', 'No space left'));
    const { calls, start } = stage.vm('copy-failed', { watchCopy });
    const backup = await start();

    const outcome = await outcomeOf(backup);

    expect(outcome).toEqual({ status: 'FAILED', error: 'BlockJobError' });
    expect(calls).toEqual([...allSteps.slice(0, 7), 'rollbackBackup']);
    await storeHistory('copy-failed', backup);
  });

  it('watches a copy again whose worker went away', async () => {
    const watchCopy = failing(2, ApplicationFailure.retryable('ended', 'WorkerEndedError'));
    const { calls, start } = stage.vm('watched-again', { watchCopy });

    await (await start()).result();

    const again = ['watchCopy', 'watchCopy'];
    expect(calls).toEqual([...allSteps.slice(0, 6), ...again, ...allSteps.slice(6)]);
  });

  it('repeats commit and publish until they succeed', async () => {
    const fail = failing(
      2,
      new RepositoryUnreachableError('/backups: hangs', { folder: '/backups' }),
    );
    const { calls, start } = stage.vm('commit-again', {
      commitBackup: failing(2, new QmpTimeoutError('late')),
      publishBackup: async (input) => {
        await fail();
        return goesWell.publishBackup(input);
      },
    });
    const backup = await start();

    await backup.result();

    const commits = ['commitBackup', 'commitBackup', 'commitBackup'];
    const publishes = ['publishBackup', 'publishBackup', 'publishBackup'];
    expect(calls).toEqual([...allSteps.slice(0, 7), ...commits, ...publishes]);
    await storeHistory('commit-and-publish-repeated', backup);
  });

  it('is started by the Temporal CLI alone', async () => {
    const { calls } = stage.vm('vm');
    const { cli, address } = stage.temporal;
    const start = ['workflow', 'start', '--address', address, '--task-queue', 'stillpoint'];
    const what = ['--type', 'backupVm', '--workflow-id', 'backup/vm', '--input', '{"vm":"vm"}'];

    await execa(cli, [...start, ...what]);

    const result = await stage.client.workflow.getHandle('backup/vm').result();
    expect(result).toMatchObject({ vm: 'vm', kind: 'full' });
    expect(calls).toEqual(allSteps);
  });
});
