import { appendFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NotARepositoryError, RepositoryFormatError } from '../../repository/errors.ts';
import { diskPath, manifestPath, publishedPath, vmPath } from '../../repository/layout.ts';
import { listBackups, surveyBackups } from '../../repository/list.ts';
import {
  monday,
  planOf,
  publishedBackup,
  temporaryRepository,
  tuesday,
  wednesday,
  written,
} from './sample.ts';

describe('listBackups', () => {
  it('lists the backups of all VMs, oldest first', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    const b = await publishedBackup(folder, planOf(tuesday, null, 'db1'));
    const c = await publishedBackup(folder, planOf(wednesday, null, 'app1'));
    const a = await publishedBackup(folder, planOf(monday));

    expect(await listBackups(folder)).toEqual([a, b, c]);
    expect(await listBackups(folder, 'web1')).toEqual([a]);
  });

  it('lists nothing of a VM without backups', async () => {
    await using repository = await temporaryRepository();
    await publishedBackup(repository.folder, planOf(monday));

    expect(await listBackups(repository.folder, 'db1')).toEqual([]);
  });

  it('looks at nothing that is no published backup', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    await written(folder, planOf(monday));
    await mkdir(publishedPath(folder, 'web1', tuesday));
    await mkdir(join(vmPath(folder, 'web1'), 'notes'));
    await writeFile(join(vmPath(folder, 'web1'), 'README'), '');
    await writeFile(join(folder, 'README'), '');
    await mkdir(join(folder, 'lost+found'));

    expect(await surveyBackups(folder)).toEqual({ backups: [], checkpoints: [], broken: [] });
  });

  it('does not take a folder that is no repository, such as an unmounted one, for an empty one', async () => {
    await using repository = await temporaryRepository();
    await mkdir(repository.folder);

    await expect(listBackups(repository.folder)).rejects.toThrow(NotARepositoryError);
  });
});

describe('a broken backup', () => {
  const cases: { title: string; says: string; harm: (folder: string) => Promise<unknown> }[] = [
    {
      title: 'has a manifest that is no JSON',
      says: 'not JSON',
      harm: async (folder) => writeFile(manifestOf(folder), '{'),
    },
    {
      title: 'has a manifest of a newer format',
      says: 'newer Stillpoint (format 2',
      harm: async (folder) => changeManifest(folder, { formatVersion: 2, surprise: true }),
    },
    {
      title: 'has a manifest without disks',
      says: 'disks',
      harm: async (folder) => changeManifest(folder, { disks: [] }),
    },
    {
      title: 'has the manifest of another VM',
      says: 'the manifest of db1',
      harm: async (folder) => changeManifest(folder, { vm: 'db1' }),
    },
    {
      title: 'has the manifest of another backup',
      says: `the manifest of web1 ${wednesday}`,
      harm: async (folder) => changeManifest(folder, { backupId: wednesday }),
    },
    {
      title: 'names a file that lies elsewhere',
      says: 'vd0 names a file that is not its own',
      harm: async (folder) => changeDisk(folder, { file: '../../../secret' }),
    },
    {
      title: 'names a disk twice',
      says: 'names a disk twice',
      harm: async (folder) => changeDisk(folder, { device: 'vd1', file: 'vd1.qcow2' }),
    },
    {
      title: 'misses a file',
      says: 'vd1.qcow2: missing',
      harm: async (folder) => rm(diskPath(folder, 'web1', tuesday, 'vd1')),
    },
    {
      title: 'has a file that grew',
      says: 'published with',
      harm: async (folder) => appendFile(diskPath(folder, 'web1', tuesday, 'vd1'), 'x'),
    },
    {
      title: 'has a link for a file',
      says: 'no regular file',
      harm: async (folder) => {
        const path = diskPath(folder, 'web1', tuesday, 'vd1');
        await rename(path, `${path}.moved`);
        await symlink(`${path}.moved`, path);
      },
    },
    {
      title: 'is a link to a folder',
      says: 'must be a folder',
      harm: async (folder) => {
        const path = publishedPath(folder, 'web1', tuesday);
        await rename(path, join(folder, 'moved'));
        await symlink(join(folder, 'moved'), path);
      },
    },
  ];
  for (const { title, says, harm } of cases)
    it(`that ${title} is told beside the whole ones, and fails a strict list`, async () => {
      await using repository = await temporaryRepository();
      const { folder } = repository;
      const whole = await publishedBackup(folder, planOf(monday));
      await publishedBackup(folder, planOf(tuesday, monday));
      await harm(folder);

      const { backups, broken } = await surveyBackups(folder, 'web1');
      const listed = listBackups(folder, 'web1');

      expect(backups).toEqual([whole]);
      expect(broken).toHaveLength(1);
      expect(broken[0]).toMatchObject({ vm: 'web1', backupId: tuesday });
      expect(broken[0]?.file).toContain(publishedPath(folder, 'web1', tuesday));
      expect(broken[0]?.problem).toContain(says);
      await expect(listed).rejects.toThrow(RepositoryFormatError);
      await expect(listed).rejects.toThrow(says);
    });

  it('may be the whole folder of a VM that is a link', async () => {
    await using repository = await temporaryRepository();
    const { folder } = repository;
    const whole = await publishedBackup(folder, planOf(monday));
    await symlink('/etc', vmPath(folder, 'db1'));

    const { backups, broken } = await surveyBackups(folder);

    expect(backups).toEqual([whole]);
    expect(broken).toMatchObject([{ vm: 'db1', file: vmPath(folder, 'db1') }]);
  });
});

function manifestOf(folder: string): string {
  return manifestPath(publishedPath(folder, 'web1', tuesday));
}

async function changeManifest(folder: string, change: object): Promise<void> {
  const path = manifestOf(folder);
  const manifest = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...manifest, ...change }));
}

async function changeDisk(folder: string, change: object): Promise<void> {
  const { disks } = JSON.parse(await readFile(manifestOf(folder), 'utf8')) as { disks: object[] };
  await changeManifest(folder, { disks: [{ ...disks[0], ...change }, ...disks.slice(1)] });
}
