import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  BackupPublishedError,
  NotARepositoryError,
  RepositoryFormatError,
} from '../../repository/errors.ts';
import { deletedPath, partialPath, targetPath, vmPath } from '../../repository/layout.ts';
import { openRepository } from '../../repository/mark.ts';
import { listPartials, preparePartial, removePartial } from '../../repository/partial.ts';
import {
  monday,
  planOf,
  publishedBackup,
  temporaryRepository,
  tuesday,
  written,
} from './sample.ts';

describe('preparePartial', () => {
  it('makes folders for their owner alone', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await openRepository(folder, { create: true });

    const partial = await preparePartial(folder, 'web1', monday);

    expect(partial).toBe(partialPath(folder, 'web1', monday));
    expect((await stat(partial)).mode & 0o777).toBe(0o700);
    expect((await stat(vmPath(folder, 'web1'))).mode & 0o777).toBe(0o700);
  });

  it('keeps what is in the folder when it runs again', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await written(folder, planOf(monday));

    await preparePartial(folder, 'web1', monday);

    expect((await stat(targetPath(folder, 'web1', monday, 'vd0'))).size).toBeGreaterThan(0);
  });

  it('refuses to write a published backup anew', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await publishedBackup(folder, planOf(monday));

    await expect(preparePartial(folder, 'web1', monday)).rejects.toThrow(BackupPublishedError);

    expect(await readdir(vmPath(folder, 'web1'))).toEqual([monday]);
  });

  it('makes no folder where there is no repository', async () => {
    await using repository = await temporaryRepository();
    await mkdir(repository.folder);

    await expect(preparePartial(repository.folder, 'web1', monday)).rejects.toThrow(
      NotARepositoryError,
    );

    expect(await readdir(repository.folder)).toEqual([]);
  });

  it('does not leave the repository by a link for the folder of the VM', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await openRepository(folder, { create: true });
    const elsewhere = `${folder}-elsewhere`;
    await mkdir(elsewhere);
    await symlink(elsewhere, vmPath(folder, 'web1'));

    await expect(preparePartial(folder, 'web1', monday)).rejects.toThrow(RepositoryFormatError);

    expect(await readdir(elsewhere)).toEqual([]);
  });

  it('does not leave the repository by a link for its own folder', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await openRepository(folder, { create: true });
    await mkdir(vmPath(folder, 'web1'));
    await symlink('/etc', partialPath(folder, 'web1', monday));

    await expect(preparePartial(folder, 'web1', monday)).rejects.toThrow(RepositoryFormatError);
  });
});

describe('listPartials', () => {
  it('lists what is being written and deleted, once each, and nothing else', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await publishedBackup(folder, planOf(monday));
    await written(folder, planOf(tuesday));
    await mkdir(deletedPath(folder, 'web1', tuesday));
    await mkdir(join(vmPath(folder, 'web1'), 'notes.partial'));

    expect(await listPartials(folder, 'web1')).toEqual([tuesday]);
    expect(await listPartials(folder, 'db1')).toEqual([]);
  });
});

describe('removePartial', () => {
  it('removes the unfinished backup and no published one, and nothing a second time', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await publishedBackup(folder, planOf(monday));
    await written(folder, planOf(tuesday));

    await removePartial(folder, 'web1', tuesday);
    await removePartial(folder, 'web1', tuesday);
    await removePartial(folder, 'web1', monday);

    expect(await readdir(vmPath(folder, 'web1'))).toEqual([monday]);
  });

  it('has nothing to do where there is no repository', async () => {
    await using repository = await temporaryRepository();

    await expect(removePartial(repository.folder, 'web1', monday)).resolves.toBeUndefined();
  });

  it('removes a link and not what it leads to', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await openRepository(folder, { create: true });
    await mkdir(vmPath(folder, 'web1'));
    const elsewhere = `${folder}-elsewhere`;
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'photo.jpg'), '');
    await symlink(elsewhere, partialPath(folder, 'web1', monday));

    await removePartial(folder, 'web1', monday);

    expect(await readdir(elsewhere)).toEqual(['photo.jpg']);
    expect(await readdir(vmPath(folder, 'web1'))).toEqual([]);
  });
});
