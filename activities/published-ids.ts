import type { Repository } from '../repository/repository.ts';

/**
 * The ids of a VM's published backups. A broken one counts too: its bitmaps are kept until somebody has mended or
 * deleted it, though nothing is built on it.
 */
export async function publishedIds(
  repository: Repository,
  vm: string,
): Promise<ReadonlySet<string>> {
  const { backups, broken } = await repository.survey(vm);
  return new Set([...backups, ...broken].flatMap(({ backupId }) => backupId ?? []));
}
