import { RepositoryFormatError } from '../repository/errors.ts';
import { requireKnownRepository } from './known-repository.ts';
import type { VmSite } from './vm-site.ts';

/**
 * The ids of a VM's published backups and checkpoints, of the site's own if no other is named, from the repository that this host knows
 * and no other: bitmaps are removed by what it says. A broken backup counts too: its bitmaps are kept until somebody has
 * mended or deleted it, though nothing is built on it. Where it cannot be told which there are it is a
 * `RepositoryFormatError`.
 */
export async function publishedIds(
  site: VmSite,
  vm: string = site.config.vm,
): Promise<ReadonlySet<string>> {
  await requireKnownRepository(site);
  const { backups, checkpoints, broken } = await site.repository.survey(vm, {
    signal: site.signal,
  });
  const unknown = broken.find(({ backupId }) => backupId === undefined);
  if (unknown) throw new RepositoryFormatError(unknown.problem, { file: unknown.file });
  return new Set([...backups, ...checkpoints, ...broken].flatMap(({ backupId }) => backupId ?? []));
}
