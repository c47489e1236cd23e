import {
  knownRepositoryFile,
  knownRepositoryId,
  rememberRepository,
} from '../host/known-repository.ts';
import { RepositoryReplacedError } from './errors.ts';
import type { VmSite } from './vm-site.ts';

/**
 * Opens the VM's repository; the first time, makes it in an empty folder. After that it must be the same one: an empty
 * mount point that was taken for a new repository would cost every VM its bitmaps. Another one is a
 * `RepositoryReplacedError`, none a `NotARepositoryError`.
 */
export async function openKnownRepository({ repository, paths, signal }: VmSite): Promise<void> {
  const { folder } = repository;
  const known = await knownRepositoryId(paths, folder);
  const { repositoryId } = await repository.open(known === undefined, { signal });
  if (known === repositoryId) return;
  if (known !== undefined)
    throw new RepositoryReplacedError(
      `${folder}: this is repository ${repositoryId}, and it was ${known} before; is the right one mounted? ` +
        `If it was replaced on purpose, remove ${knownRepositoryFile(paths, folder)}`,
    );
  await rememberRepository(paths, folder, repositoryId);
}
