import { forgetCheckpoint } from '../../repository/checkpoint.ts';
import { listBackups, surveyBackups } from '../../repository/list.ts';
import { openRepository } from '../../repository/mark.ts';
import type { Repository } from '../../repository/repository.ts';
import { checkSpace } from '../../repository/space.ts';
import { verifyDigests } from '../../repository/verify.ts';

/** What reads a repository, in this process: the same calls as `RemoteRepository` makes in another. */
export function repositoryHere(folder: string): Repository {
  const here = {
    folder,
    open: async (create: boolean) => openRepository(folder, { create }),
    list: async (vm?: string) => listBackups(folder, vm),
    survey: async (vm?: string) => surveyBackups(folder, vm),
    forgetCheckpoint: async (vm: string, backupId: string) =>
      forgetCheckpoint(folder, vm, backupId),
    checkSpace: async (bytes: number) => checkSpace(folder, bytes),
    verify: async (vm: string, backupId: string) => verifyDigests(folder, vm, backupId),
    close: () => {},
  } satisfies Partial<Repository>;
  return here as Partial<Repository> as Repository;
}
