import { randomUUID } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createDurably, syncFolder } from '../files/durable.ts';
import { RepositoryMark } from '../model/manifest.ts';
import { NotARepositoryError } from './errors.ts';
import { readFormat } from './format.ts';
import { markPath } from './layout.ts';

/**
 * Opens a repository, and with `create` makes one of a missing or empty folder. May run again, and on several hosts
 * at once: all get the same mark. A folder that holds anything else is a `NotARepositoryError`, a newer format a
 * `RepositoryFormatError`.
 */
export async function openRepository(
  folder: string,
  { create }: { create: boolean },
): Promise<RepositoryMark> {
  const path = markPath(folder);
  const mark = await readFormat(path, RepositoryMark);
  if (mark) return mark;
  if (!create) throw noMark(folder);

  await mkdir(folder, { recursive: true, mode: 0o700 });
  await syncFolder(dirname(folder));
  const names = await readdir(folder);
  // Another host may have made the repository since we looked, and then used it.
  if (!names.includes('repository.json') && !names.every(isNothing))
    throw new NotARepositoryError(
      `${folder}: holds other things and no repository.json: name an empty folder, or one that is not there yet`,
      { folder },
    );
  const fresh: RepositoryMark = { formatVersion: 1, repositoryId: randomUUID() };
  await createDurably(path, `${JSON.stringify(fresh, undefined, 2)}\n`);
  const made = await readFormat(path, RepositoryMark);
  if (!made) throw noMark(folder);
  return made;
}

/** Fails when the folder is no repository, such as an unmounted one: nothing that is missing there is gone. */
export async function checkRepository(folder: string): Promise<void> {
  await openRepository(folder, { create: false });
}

/** What an empty folder may hold: the file system's own, and what died while it made the mark. */
function isNothing(name: string): boolean {
  return name === 'lost+found' || /^repository\.json\.[0-9a-f-]{36}\.tmp$/.test(name);
}

function noMark(folder: string): NotARepositoryError {
  return new NotARepositoryError(
    `${folder}: no repository (no repository.json): look whether it is mounted and rightly named`,
    { folder },
  );
}
