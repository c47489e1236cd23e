import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { forgetCheckpoint, recordCheckpoint } from '../../repository/checkpoint.ts';
import {
  BackupNotFoundError,
  BackupPublishedError,
  NotARepositoryError,
} from '../../repository/errors.ts';
import { checkpointPath } from '../../repository/layout.ts';
import { listBackups, surveyBackups } from '../../repository/list.ts';
import { openRepository } from '../../repository/mark.ts';
import {
  instant,
  monday,
  origin,
  planOf,
  publishedBackup,
  temporaryRepository,
  tuesday,
  wednesday,
} from './sample.ts';

const record = async (folder: string, backupId: string, keep = 32) =>
  recordCheckpoint(folder, planOf(backupId), instant, origin, keep);

const checkpointsIn = async (folder: string) =>
  (await surveyBackups(folder, 'web1')).checkpoints.map(({ backupId }) => backupId);

describe('recordCheckpoint', () => {
  it('is found beside the backups, and is none of them', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    const backup = await publishedBackup(folder, planOf(monday));

    const checkpoint = await record(folder, tuesday);

    expect(await surveyBackups(folder)).toEqual({
      backups: [backup],
      checkpoints: [checkpoint],
      broken: [],
    });
    expect(await listBackups(folder)).toEqual([backup]);
    expect(checkpoint).toMatchObject({ vm: 'web1', backupId: tuesday, kind: 'full' });
    expect(checkpoint.disks.map(({ bitmap }) => bitmap)).toEqual([
      `stillpoint:${tuesday}:none:vd0`,
      `stillpoint:${tuesday}:none:vd1`,
    ]);
  });

  it('makes the folder of a VM that has no backups', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await openRepository(folder, { create: true });

    await record(folder, monday);

    expect(await checkpointsIn(folder)).toEqual([monday]);
  });

  it('gives what is recorded when it is called again, and refuses another instant', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await openRepository(folder, { create: true });
    const first = await record(folder, monday);

    expect(await record(folder, monday)).toEqual(first);
    const other = { ...instant, takenAt: '2026-11-24T02:09:00.000Z' };
    await expect(
      recordCheckpoint(folder, planOf(monday), other, origin, 32),
    ).rejects.toBeInstanceOf(BackupPublishedError);
  });

  it('keeps the newest ones', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await openRepository(folder, { create: true });

    for (const backupId of [monday, tuesday, wednesday]) await record(folder, backupId, 2);

    expect(await checkpointsIn(folder)).toEqual([tuesday, wednesday]);
  });

  it('writes into no folder that is no repository, such as an unmounted one', async () => {
    await using repository = await temporaryRepository();

    await expect(record(repository.folder, monday)).rejects.toBeInstanceOf(NotARepositoryError);
  });
});

describe('forgetCheckpoint', () => {
  it('takes one away and leaves the others', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await openRepository(folder, { create: true });
    await record(folder, monday);
    await record(folder, tuesday);

    await forgetCheckpoint(folder, 'web1', monday);

    expect(await readdir(join(folder, 'web1'))).toEqual([`${tuesday}.checkpoint.json`]);
    await expect(forgetCheckpoint(folder, 'web1', monday)).rejects.toBeInstanceOf(
      BackupNotFoundError,
    );
  });
});

describe('a broken checkpoint', () => {
  const cases = [
    { title: 'is no JSON', text: '{', says: 'is not JSON' },
    { title: 'lacks a key', text: '{"formatVersion":1}', says: 'Invalid input' },
    { title: 'is of a newer format', text: '{"formatVersion":2}', says: 'newer Stillpoint' },
  ];
  for (const { title, text, says } of cases)
    it(`${title}: it is told, with the backup whose segments it keeps`, async () => {
      await using repository = await temporaryRepository();
      const { folder } = repository;
      await publishedBackup(folder, planOf(monday));
      const file = checkpointPath(folder, 'web1', tuesday);
      await writeFile(file, text);

      const { checkpoints, broken } = await surveyBackups(folder);

      expect(checkpoints).toEqual([]);
      expect(broken).toMatchObject([{ vm: 'web1', backupId: tuesday, file }]);
      expect(broken[0]?.problem).toContain(says);
    });

  it('is of another VM', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await publishedBackup(folder, planOf(monday));
    const checkpoint = { ...(await record(folder, tuesday)), vm: 'db1' };
    await writeFile(checkpointPath(folder, 'web1', tuesday), JSON.stringify(checkpoint));

    expect((await surveyBackups(folder)).broken).toMatchObject([{ backupId: tuesday }]);
  });
});
