import { z } from 'zod';
import { readJsonFile } from '../files/durable.ts';
import { BrokenJsonError } from '../files/errors.ts';
import { RepositoryFormatError } from './errors.ts';

/** What every version of the format will keep: without it nobody could tell a newer file from a broken one. */
const Versioned = z.object({ formatVersion: z.int().min(1) });
const newestFormat = 1;

/**
 * Reads a versioned JSON file of a repository; undefined when there is none. A newer format, broken JSON and content
 * that does not fit are a `RepositoryFormatError` that names the file.
 */
export async function readFormat<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const content = await readJsonFile(path).catch((error: unknown) => {
    if (error instanceof BrokenJsonError) throw broken(path, 'is not JSON');
    throw error;
  });
  if (content === undefined) return undefined;
  const versioned = Versioned.safeParse(content);
  if (versioned.success && versioned.data.formatVersion > newestFormat)
    throw new RepositoryFormatError(
      `${path}: written by a newer Stillpoint (format ${versioned.data.formatVersion}, this one knows ${newestFormat}): update this host`,
      { file: path },
    );
  const checked = schema.safeParse(content);
  if (!checked.success) throw broken(path, z.prettifyError(checked.error));
  return checked.data;
}

/** The error of a file that is not what was written there. */
export function broken(path: string, problem: string): RepositoryFormatError {
  return new RepositoryFormatError(`${path}: broken: ${problem}`, { file: path });
}
