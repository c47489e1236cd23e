import { statfs } from 'node:fs/promises';
import { NoSpaceError } from './errors.ts';
import { checkRepository } from './mark.ts';

/** The bytes that may still be written to the repository. */
export async function freeBytes(folder: string): Promise<number> {
  await checkRepository(folder);
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Fails with a `NoSpaceError` that has both numbers when less is free than is needed. */
export async function checkSpace(folder: string, neededBytes: number): Promise<void> {
  const free = await freeBytes(folder);
  if (free < neededBytes)
    throw new NoSpaceError(
      `${folder}: ${free} bytes are free and ${neededBytes} are needed: free some, or let the VM back up elsewhere`,
      { folder, neededBytes, freeBytes: free },
    );
}
