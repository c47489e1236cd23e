import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writeDurably } from '../files/durable.ts';
import type { StatePaths } from './state-paths.ts';

const Known = z.object({ repositoryId: z.string() });

/** The id of the repository that this host has found in a folder before, if it has. */
export async function knownRepositoryId(
  paths: StatePaths,
  folder: string,
): Promise<string | undefined> {
  return Known.safeParse(await readJsonFile(knownRepositoryFile(paths, folder))).data?.repositoryId;
}

/** Remembers which repository a folder holds. May be called again. */
export async function rememberRepository(
  paths: StatePaths,
  folder: string,
  repositoryId: string,
): Promise<void> {
  await mkdir(join(paths.root, 'repositories'), { recursive: true, mode: 0o700 });
  await writeDurably(knownRepositoryFile(paths, folder), JSON.stringify({ repositoryId, folder }));
}

/** The file that says so; removing it lets the folder hold another one. */
export function knownRepositoryFile(paths: StatePaths, folder: string): string {
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  return join(paths.root, 'repositories', `${digest}.json`);
}
