import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NotARepositoryError, RepositoryFormatError } from '../../repository/errors.ts';
import { markPath } from '../../repository/layout.ts';
import { openRepository } from '../../repository/mark.ts';
import { temporaryRepository } from './sample.ts';

describe('openRepository', () => {
  it('makes a repository of a missing folder, for its owner alone', async () => {
    await using repository = await temporaryRepository();

    const mark = await openRepository(repository.folder, { create: true });

    expect(mark.formatVersion).toBe(1);
    expect(JSON.parse(await readFile(markPath(repository.folder), 'utf8'))).toEqual(mark);
    expect((await stat(repository.folder)).mode & 0o777).toBe(0o700);
  });

  it('makes a repository of the empty root of a file system', async () => {
    await using repository = await temporaryRepository();
    await mkdir(join(repository.folder, 'lost+found'), { recursive: true });

    await openRepository(repository.folder, { create: true });

    await expect(openRepository(repository.folder, { create: false })).resolves.toBeDefined();
  });

  it('gives all who make it at the same time the same mark', async () => {
    await using repository = await temporaryRepository();

    const marks = await Promise.all(
      Array.from({ length: 10 }, async () => openRepository(repository.folder, { create: true })),
    );

    expect(new Set(marks.map(({ repositoryId }) => repositoryId)).size).toBe(1);
  });

  it('keeps the mark of a repository in use', async () => {
    await using repository = await temporaryRepository();
    const mark = await openRepository(repository.folder, { create: true });
    await mkdir(join(repository.folder, 'web1'));

    expect(await openRepository(repository.folder, { create: true })).toEqual(mark);
  });

  it('makes nothing unless told', async () => {
    await using repository = await temporaryRepository();

    const opened = openRepository(repository.folder, { create: false });

    await expect(opened).rejects.toThrow(NotARepositoryError);
    await expect(stat(repository.folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses a folder that holds other things', async () => {
    await using repository = await temporaryRepository();
    await mkdir(repository.folder);
    await writeFile(join(repository.folder, 'photo.jpg'), '');

    const opened = openRepository(repository.folder, { create: true });

    await expect(opened).rejects.toThrow(NotARepositoryError);
    await expect(opened).rejects.toThrow('holds other things');
  });

  const broken = [
    { title: 'a newer format', text: '{"formatVersion":2,"shards":[]}', says: 'newer Stillpoint' },
    { title: 'no JSON', text: '{"formatVers', says: 'not JSON' },
    { title: 'an empty file', text: '', says: 'not JSON' },
    { title: 'no version', text: '{"repositoryId":"x"}', says: 'formatVersion' },
    { title: 'no uuid', text: '{"formatVersion":1,"repositoryId":"x"}', says: 'repositoryId' },
  ];
  for (const { title, text, says } of broken)
    it(`refuses a mark with ${title} and names the file`, async () => {
      await using repository = await temporaryRepository();
      await mkdir(repository.folder);
      await writeFile(markPath(repository.folder), text);

      const opened = openRepository(repository.folder, { create: true });

      await expect(opened).rejects.toThrow(RepositoryFormatError);
      await expect(opened).rejects.toThrow(says);
      await expect(opened).rejects.toMatchObject({ facts: { file: markPath(repository.folder) } });
    });
});
