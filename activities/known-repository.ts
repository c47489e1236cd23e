import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readJsonFile, writeDurably } from '../files/durable.ts';
import { RepositoryMark } from '../model/manifest.ts';
import { RepositoryReplacedError } from './errors.ts';
import type { VmSite } from './vm-site.ts';

/**
 * Opens the VM's repository; the first time, makes it in an empty folder. After that it must be the same one: an empty
 * mount point that was taken for a new repository would cost every VM its bitmaps. Another one is a
 * `RepositoryReplacedError`, none a `NotARepositoryError`.
 */
export async function openKnownRepository({ repository, paths, signal }: VmSite): Promise<void> {
  const folder = join(paths.root, 'repositories');
  const file = join(folder, `${digest(repository.folder)}.json`);
  const known = RepositoryMark.partial().safeParse(await readJsonFile(file)).data?.repositoryId;
  const mark = await repository.open(known === undefined, { signal });
  if (known === mark.repositoryId) return;
  if (known !== undefined)
    throw new RepositoryReplacedError(
      `${repository.folder}: this is repository ${mark.repositoryId}, and it was ${known} before; is the right one ` +
        `mounted? If it was replaced on purpose, remove ${file}`,
    );
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeDurably(file, JSON.stringify({ ...mark, folder: repository.folder }));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
