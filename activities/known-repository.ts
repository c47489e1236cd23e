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
export async function openKnownRepository(site: VmSite): Promise<void> {
  const { repository, paths, signal } = site;
  if ((await knownRepositoryId(paths, repository.folder)) !== undefined)
    return requireKnownRepository(site);
  const { repositoryId } = await repository.open(true, { signal });
  await rememberRepository(paths, repository.folder, repositoryId);
}

/** Throws a `RepositoryReplacedError` unless the folder holds the repository that this host has used before. */
export async function requireKnownRepository({ repository, paths, signal }: VmSite): Promise<void> {
  const { folder } = repository;
  const known = await knownRepositoryId(paths, folder);
  const { repositoryId } = await repository.open(false, { signal });
  if (known === repositoryId) return;
  throw new RepositoryReplacedError(
    `${folder}: this is repository ${repositoryId}, and this host has used ${known ?? 'none'} there; is the right one ` +
      `mounted? If it was replaced on purpose, remove ${knownRepositoryFile(paths, folder)}`,
  );
}
