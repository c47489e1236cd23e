import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RepositoryFormatError } from '../../repository/errors.ts';
import {
  backingReference,
  deletedPath,
  diskPath,
  isFolderThere,
  markPath,
  partialIdOf,
  partialPath,
  publishedPath,
  targetPath,
  vmPath,
} from '../../repository/layout.ts';
import { monday, temporaryRepository, tuesday } from './sample.ts';

describe('layout', () => {
  it('puts everything where the format says', () => {
    expect(markPath('/srv/b')).toBe('/srv/b/repository.json');
    expect(publishedPath('/srv/b', 'web1', monday)).toBe(`/srv/b/web1/${monday}`);
    expect(targetPath('/srv/b', 'web1', monday, 'vd0')).toBe(
      `/srv/b/web1/${monday}.partial/vd0.qcow2`,
    );
    expect(diskPath('/srv/b', 'web1', monday, 'vd0')).toBe(`/srv/b/web1/${monday}/vd0.qcow2`);
    expect(backingReference(monday, 'vd0')).toBe(`../${monday}/vd0.qcow2`);
  });

  it('refuses a repository that is named relatively', () => {
    expect(() => markPath('backups')).toThrow('named absolutely');
  });

  for (const name of ['..', '.', '', 'a/b', '../web1', 'a..b', '/etc', 'web1\n', 'web1\0'])
    it(`makes no path of the VM ${JSON.stringify(name)}`, () => {
      expect(() => vmPath('/srv/b', name)).toThrow('a VM name is');
    });

  for (const id of ['..', `${monday}/..`, `${monday}.partial`, `${monday}\n`, ''])
    it(`makes no path of the backup ${JSON.stringify(id)}`, () => {
      expect(() => publishedPath('/srv/b', 'web1', id)).toThrow('a backup id looks like');
      expect(() => backingReference(id, 'vd0')).toThrow('a backup id looks like');
    });

  it('makes only paths that lie two steps below the repository, of whatever it is given', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (vm, device) => {
        let path = '';
        try {
          path = targetPath('/srv/b', vm, monday, device);
        } catch {
          return;
        }
        expect(dirname(dirname(dirname(path)))).toBe('/srv/b');
      }),
    );
  });
});

describe('partialIdOf', () => {
  const cases = [
    { name: `${monday}.partial`, id: monday },
    { name: `${monday}.deleted.partial`, id: monday },
    { name: monday, id: undefined },
    { name: 'notes.partial', id: undefined },
    { name: `${monday}.partial.partial`, id: undefined },
  ];
  for (const { name, id } of cases)
    it(`reads ${name}`, () => {
      expect(partialIdOf(name)).toBe(id);
    });

  it('reads what the layout names', () => {
    expect(partialIdOf(partialPath('/', 'web1', tuesday).slice('/web1/'.length))).toBe(tuesday);
    expect(partialIdOf(deletedPath('/', 'web1', tuesday).slice('/web1/'.length))).toBe(tuesday);
  });
});

describe('isFolderThere', () => {
  it('tells a folder from nothing', async () => {
    await using repository = await temporaryRepository();

    expect(await isFolderThere(repository.folder)).toBe(false);
    await mkdir(repository.folder);
    expect(await isFolderThere(repository.folder)).toBe(true);
  });

  for (const kind of ['link', 'dangling', 'file'])
    it(`refuses what is no folder: a ${kind}`, async () => {
      await using repository = await temporaryRepository();
      const path = repository.folder;
      if (kind === 'file') await writeFile(path, '');
      else await symlink(kind === 'link' ? '/etc' : '/nowhere', path);

      await expect(isFolderThere(path)).rejects.toThrow(RepositoryFormatError);
    });
});
