import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { deleteBackup } from '../../repository/delete.ts';
import { BackupNeededError, RepositoryFormatError } from '../../repository/errors.ts';
import { manifestPath, publishedPath, vmPath } from '../../repository/layout.ts';
import {
  monday,
  planOf,
  publishedBackup,
  temporaryRepository,
  tuesday,
  wednesday,
} from './sample.ts';

async function week(folder: string): Promise<void> {
  await publishedBackup(folder, planOf(monday));
  await publishedBackup(folder, planOf(tuesday, monday));
  await publishedBackup(folder, planOf(wednesday));
}

describe('deleteBackup', () => {
  it('deletes a backup that nothing builds on, once', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await week(folder);

    await deleteBackup(folder, 'web1', tuesday);
    await deleteBackup(folder, 'web1', tuesday);

    expect(await readdir(vmPath(folder, 'web1'))).toEqual([monday, wednesday]);
  });

  it('keeps a backup that others build on, and names them', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await week(folder);

    const deleted = deleteBackup(folder, 'web1', monday);

    await expect(deleted).rejects.toThrow(BackupNeededError);
    await expect(deleted).rejects.toMatchObject({ facts: { neededBy: [tuesday] } });
    expect(await readdir(vmPath(folder, 'web1'))).toEqual([monday, tuesday, wednesday]);
  });

  it('keeps everything while nobody can tell what a broken backup builds on', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await week(folder);
    await writeFile(manifestPath(publishedPath(folder, 'web1', tuesday)), '{');

    await expect(deleteBackup(folder, 'web1', monday)).rejects.toThrow(RepositoryFormatError);

    expect(await readdir(vmPath(folder, 'web1'))).toEqual([monday, tuesday, wednesday]);
  });

  it('deletes a broken backup itself', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await week(folder);
    await writeFile(manifestPath(publishedPath(folder, 'web1', tuesday)), '{');

    await deleteBackup(folder, 'web1', tuesday);

    expect(await readdir(vmPath(folder, 'web1'))).toEqual([monday, wednesday]);
  });
});
