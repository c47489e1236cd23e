import { open, rm, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  BackupNotFoundError,
  DigestError,
  RepositoryFormatError,
} from '../../repository/errors.ts';
import { diskPath, manifestPath, publishedPath } from '../../repository/layout.ts';
import { verifyDigests } from '../../repository/verify.ts';
import {
  monday,
  planOf,
  publishedBackup,
  temporaryRepository,
  tuesday,
  wednesday,
} from './sample.ts';

async function chain(folder: string): Promise<void> {
  await publishedBackup(folder, planOf(monday));
  await publishedBackup(folder, planOf(tuesday, monday));
  await publishedBackup(folder, planOf(wednesday, tuesday));
}

describe('verifyDigests', () => {
  it('reads every file of the chain once', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await chain(folder);
    let bytes = 0;

    await verifyDigests(folder, 'web1', tuesday, (more) => (bytes += more));

    expect(bytes).toBe(4 * 1000 * `web1 ${monday} vd0\n`.length);
  });

  const harms: { title: string; harm: (path: string) => Promise<unknown> }[] = [
    {
      title: 'has one other byte',
      harm: async (path) => {
        await using file = await open(path, 'r+');
        await file.write('X', 5);
      },
    },
    { title: 'is shorter', harm: async (path) => truncate(path, 100) },
    { title: 'is gone', harm: async (path) => rm(path) },
  ];
  for (const { title, harm } of harms)
    it(`names a file far down the chain that ${title}, and says what to do`, async () => {
      await using repository = await temporaryRepository();
      const { folder } = repository;
      await chain(folder);
      const path = diskPath(folder, 'web1', monday, 'vd1');
      await harm(path);

      const verified = verifyDigests(folder, 'web1', wednesday);

      await expect(verified).rejects.toThrow(DigestError);
      await expect(verified).rejects.toMatchObject({ facts: { file: path } });
      await expect(verified).rejects.toThrow('take a full backup next');
    });

  it('does not mind what happened to files that the backup does not need', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await chain(folder);
    await rm(diskPath(folder, 'web1', wednesday, 'vd0'));

    await expect(verifyDigests(folder, 'web1', tuesday)).resolves.toBeUndefined();
  });

  it('fails for a backup that is not there', async () => {
    await using repository = await temporaryRepository();
    await publishedBackup(repository.folder, planOf(monday));

    await expect(verifyDigests(repository.folder, 'web1', tuesday)).rejects.toThrow(
      BackupNotFoundError,
    );
  });

  it('fails when a parent is gone, and names it', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await chain(folder);
    await rm(publishedPath(folder, 'web1', monday), { recursive: true });

    const verified = verifyDigests(folder, 'web1', wednesday);

    await expect(verified).rejects.toThrow(BackupNotFoundError);
    await expect(verified).rejects.toThrow(monday);
  });

  it("names a parent's manifest that is broken", async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await chain(folder);
    const path = manifestPath(publishedPath(folder, 'web1', monday));
    await writeFile(path, '{');

    const verified = verifyDigests(folder, 'web1', wednesday);

    await expect(verified).rejects.toThrow(RepositoryFormatError);
    await expect(verified).rejects.toThrow(path);
  });
});
