import { statfs } from 'node:fs/promises';
import { NotARepositoryError } from '../../repository/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import { formatBytes } from '../format-amounts.ts';
import type { Check } from './check.ts';
import { mayWrite } from './examine-host.ts';

/** A repository: does it answer, is it one, may it be written, how much is free, is all in it usable? */
export async function examineRepository(
  repository: Repository,
  signal: AbortSignal,
): Promise<Check[]> {
  const { folder } = repository;
  const check = 'repository';
  // It answers from a process of its own: one that hangs is a finding, not our end.
  const survey = await repository.survey(undefined, { signal }).catch((error: unknown) => error);
  if (survey instanceof NotARepositoryError)
    return [
      {
        check,
        state: 'warning',
        message: survey.message,
        advice:
          'If no backup was taken yet all is well: the first one makes it, of an empty folder.',
      },
    ];
  if (survey instanceof Error) return [{ check, state: 'problem', message: survey.message }];
  const { backups, broken } = survey as Awaited<ReturnType<Repository['survey']>>;
  const unusable: Check[] = broken.map(({ vm, problem }) => ({
    vm,
    check,
    state: 'problem',
    message: problem,
    advice: 'Nothing is built on it any more. Move it away, and take a full backup.',
  }));
  if (!(await mayWrite(folder)))
    return [
      ...unusable,
      {
        check,
        state: 'problem',
        message: `${folder} may not be written by this user`,
        advice: 'Run doctor as the user who runs the worker, or mount it to be written.',
      },
    ];
  const { bavail, bsize, blocks } = await statfs(folder);
  const free = `${folder}: ${backups.length} backups, ${formatBytes(bavail * bsize)} free`;
  return [
    ...unusable,
    bavail < blocks / 20
      ? {
          check,
          state: 'warning',
          message: `${free}, less than a twentieth`,
          advice: 'A backup that does not fit fails before the guest is touched. Free some.',
        }
      : { check, state: 'ok', message: free },
  ];
}
