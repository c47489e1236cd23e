import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { monday, planOf, publishedBackup, tuesday } from '../repository/sample.ts';
import { repositoryHere } from './repository-here.ts';
import { runCli } from './run-cli.ts';
import { writtenInventory } from './written-inventory.ts';

const openRepository = repositoryHere;

describe('stillpoint backups', () => {
  it('lists what the repository holds, oldest first', async () => {
    await using inventory = await writtenInventory();
    await publishedBackup(inventory.repository, planOf(monday));
    await publishedBackup(inventory.repository, planOf(tuesday, monday));

    const { exitCode, stdout } = await runCli(['backups', '--config', inventory.file], {
      openRepository,
    });

    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      [
        'web1  20261123T020000Z-0001  full          filesystem    60.5 KiB  vd0,vd1  (a warning)',
        'web1  20261124T020000Z-0002  incremental   filesystem    60.5 KiB  vd0,vd1  (a warning)',
        '',
      ].join('\n'),
    );
  });

  it('prints each backup as an object under --json, and how many there are', async () => {
    await using inventory = await writtenInventory();
    await publishedBackup(inventory.repository, planOf(monday));

    const { messages } = await runCli(['backups', 'web1', '--json', '--config', inventory.file], {
      openRepository,
    });

    expect(messages()).toEqual([
      {
        type: 'backup',
        vm: 'web1',
        backupId: monday,
        kind: 'full',
        parent: null,
        takenAt: '2026-11-24T02:00:05.000Z',
        consistency: 'filesystem',
        bytes: 62_000,
        devices: ['vd0', 'vd1'],
        frozenMs: 12.5,
        pausedMs: 3,
        warnings: ['a warning'],
      },
      { type: 'finished', backups: 1 },
    ]);
  });

  it('lists a VM that is gone from the inventory', async () => {
    await using inventory = await writtenInventory();
    await publishedBackup(inventory.repository, planOf(monday, null, 'old1'));

    const { exitCode, stdout } = await runCli(['backups', 'old1', '--config', inventory.file], {
      openRepository,
    });

    expect(exitCode).toBe(0);
    expect(stdout).toContain('old1');
  });

  it('ends with 2 for a VM that neither the inventory nor the repository knows', async () => {
    await using inventory = await writtenInventory();
    await publishedBackup(inventory.repository, planOf(monday));

    const { exitCode, stderr } = await runCli(['backups', 'web9', '--config', inventory.file], {
      openRepository,
    });

    expect(exitCode).toBe(2);
    expect(stderr).toContain('web9: ');
  });

  it('lists the whole ones, names the broken one and ends with 3', async () => {
    await using inventory = await writtenInventory();
    await publishedBackup(inventory.repository, planOf(monday));
    await publishedBackup(inventory.repository, planOf(tuesday));
    await appendFile(join(inventory.repository, 'web1', tuesday, 'vd1.qcow2'), 'more');

    const { exitCode, messages } = await runCli(['backups', '--json', '--config', inventory.file], {
      openRepository,
    });

    expect(exitCode).toBe(3);
    expect(messages()).toMatchObject([
      { type: 'backup', backupId: monday },
      { type: 'broken', vm: 'web1', backupId: tuesday },
      { type: 'failed', error: { type: 'PartlyDoneError' } },
    ]);
  });

  it('says that a repository is not there', async () => {
    await using inventory = await writtenInventory();
    await rm(inventory.repository, { recursive: true, force: true });

    const { exitCode, messages } = await runCli(['backups', '--json', '--config', inventory.file], {
      openRepository,
    });

    expect(exitCode).toBe(1);
    expect(messages()).toMatchObject([{ type: 'failed', error: { type: 'NotARepositoryError' } }]);
  });
});
