import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import { LeaseBrokenError } from '../../../host/errors.ts';
import { backupIdOf } from '../../../model/backup-id.ts';
import { BlockJobError } from '../../../qemu/errors.ts';
import { planOf } from '../../repository/sample.ts';
import { goesWell } from './fake-host.ts';
import { storeHistory } from './histories.ts';
import { detailsOf, lookingBefore, upsertsOf } from './looking.ts';
import { outcomeOf } from './outcome.ts';
import { Stage } from './stage.ts';
import { allSteps } from './steps-of.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.build();
});
afterAll(async () => stage[Symbol.asyncDispose]());

function handleOf(vm: string): WorkflowHandle {
  return stage.client.workflow.getHandle(`backup/${vm}`);
}

describe.concurrent('backupVm, asked for its status', { timeout: 60_000 }, () => {
  it('says in which phase it is, and what it knows by then', async () => {
    const statuses: Record<string, unknown>[] = [];
    const look = async () => {
      statuses.push(await handleOf('phases').query('status'));
    };
    const backup = await stage.vm('phases', lookingBefore(look)).start();

    await backup.result();
    await look();

    const backupId = expect.stringMatching(/^\d{8}T\d{6}Z-[0-9a-f]{4}$/);
    const known = { vm: 'phases', backupId };
    const planned = { ...known, kind: 'full', expectedBytes: 2048 };
    const caught = { ...planned, consistency: 'filesystem', frozenMs: 41.5, pausedMs: 3.2 };
    expect(statuses).toEqual([
      { ...known, phase: 'planning' },
      { ...planned, phase: 'preparing' },
      { ...planned, phase: 'freezing' },
      { ...planned, phase: 'instant' },
      { ...planned, phase: 'thawing' },
      { ...caught, phase: 'starting' },
      { ...caught, phase: 'copying' },
      { ...caught, phase: 'committing' },
      { ...caught, phase: 'publishing' },
      { ...caught, phase: 'done' },
    ]);
  });

  it('derives the id of the backup from its start and its original run', async () => {
    const backup = await stage.vm('identified').start();

    const { backupId } = await backup.result();

    const { startTime, runId } = await backup.describe();
    expect(backupId).toBe(backupIdOf(startTime, runId));
  });

  it('keeps the id when it is reset', async () => {
    const { calls, start } = stage.vm('reset');
    const { backupId } = await (await start()).result();
    const { cli, address } = stage.temporal;
    const reset = ['workflow', 'reset', '--address', address, '--workflow-id', 'backup/reset'];

    await execa(cli, [...reset, '--type', 'FirstWorkflowTask', '--reason', 'test']);

    const again = await handleOf('reset').result();
    expect(again).toMatchObject({ backupId });
    expect(calls).toEqual([...allSteps, ...allSteps]);
  });
});

describe.concurrent('backupVm, in the Web UI', { timeout: 60_000 }, () => {
  it('shows plan, reason, bytes, frozen and paused time in the details', async () => {
    const details: Record<string, string> = {};
    const look = async (step: string) => {
      details[step] = await detailsOf(handleOf('shown'));
    };
    const backup = await stage.vm('shown', lookingBefore(look)).start();

    const { backupId } = await backup.result();

    expect(details['planBackup']).toBe(`**shown**, backup \`${backupId}\`: planning`);
    expect(details['prepareTargets']).toContain('full, about 0.0 MiB expected');
    expect(details['prepareTargets']).toContain('- **vd0**: full (first-backup), about ');
    expect(details['watchCopy']).toContain(`: copying`);
    expect(details['watchCopy']).toContain('filesystem-consistent at 2026-11-24T02:05:01.000Z');
    expect(details['watchCopy']).toContain('frozen 42 ms, paused 3 ms');
    expect(await detailsOf(backup)).toContain(': done');
  });

  it('shows warnings, and what a rollback could not do', async () => {
    const backup = await stage
      .vm('troubled', {
        planBackup: async ({ request, backupId }) => ({
          ...planOf(backupId, null, request.vm),
          warnings: ['little room'],
        }),
        watchCopy: async () => {
          throw new BlockJobError('sp-j', 'No space left');
        },
        rollbackBackup: async () => ({ troubles: ['/backups: hangs'] }),
      })
      .start();
    await outcomeOf(backup);

    const details = await detailsOf(backup);

    expect(details).toContain(': rolled-back');
    expect(details).toContain('/backups: hangs');
    expect(details).toContain('⚠ little room');
  });

  it('shows why it starts anew', async () => {
    let details = '';
    let starts = 0;
    const backup = await stage
      .vm('shown-anew', {
        prepareTargets: async () => {
          if (++starts === 2) details = await detailsOf(handleOf('shown-anew'));
        },
        takeInstant: async (plan) => {
          if (starts === 1) throw new LeaseBrokenError('the guard gave up');
          return goesWell.takeInstant(plan);
        },
      })
      .start();

    await backup.result();

    expect(details).toContain('Start 1 did not hold: the guard gave up');
  });

  it('upserts its search attributes twice', async () => {
    const backup = await stage.vm('indexed').start();
    const { backupId } = await backup.result();

    const { typedSearchAttributes } = await backup.describe();

    expect(await upsertsOf(backup)).toBe(2);
    const values = typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]);
    expect(Object.fromEntries(values)).toMatchObject({
      StillpointVm: 'indexed',
      StillpointHost: 'here',
      StillpointKind: 'full',
      StillpointPhase: 'done',
      StillpointBackupId: backupId,
      StillpointConsistency: 'filesystem',
    });
  });

  it('upserts none that Temporal does not know', async () => {
    const backup = await stage.vm('unindexed', {}, { indexed: false }).start();
    await backup.result();

    expect(await upsertsOf(backup)).toBe(0);
    await storeHistory('unindexed', backup);
  });
});
