import { lstat, mkdir, realpath, statfs } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { formatBytes } from '../format-amounts.ts';
import { RestoreTargetError } from '../errors.ts';

/**
 * Makes the folder to restore to, for its owner alone, unless it is there. A folder inside the repository, or one that
 * cannot be made, is a `RestoreTargetError`. Returns its real path.
 */
export async function makeTargetFolder(to: string, repositoryFolder: string): Promise<string> {
  const wanted = resolve(to);
  // Before anything is made: a link may lead into the repository.
  const real = await realPathOf(wanted);
  const repository = await realPathOf(repositoryFolder);
  if (!`${relative(repository, real)}/`.startsWith('../'))
    throw new RestoreTargetError(
      `${to} lies inside the repository ${repositoryFolder}, where only backups may be. Name a folder elsewhere.`,
    );
  try {
    await mkdir(wanted, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new RestoreTargetError(
      `${to} cannot be used as a folder (${(cause as Error).message}). Name another one with --to.`,
      { cause },
    );
  }
  return realpath(wanted);
}

/** The path with all links followed, as far as it exists. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) return path;
    return join(await realPathOf(parent), relative(parent, path));
  }
}

/** The size of a file; undefined when there is none. What is there and is no file is a `RestoreTargetError`. */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found && !found.isFile())
    throw new RestoreTargetError(`${path} is there and is no file. Move it away.`);
  return found?.size;
}

/** Fails with a `RestoreTargetError` when a folder has less room than is needed. */
export async function checkRoom(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= neededBytes) return;
  throw new RestoreTargetError(
    `${folder} has ${formatBytes(bavail * bsize)} free, and the disks may take ${formatBytes(neededBytes)}. Free some, or name another folder with --to.`,
  );
}
