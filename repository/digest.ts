import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errorCode } from '../files/system-error.ts';
import { RepositoryFormatError } from './errors.ts';

/** What a file holds, in short. */
export type Digest = { readonly bytes: number; readonly sha256: string };

/** Called with the bytes that were read since the last call. */
export type OnBytes = (bytes: number) => void;

const chunkBytes = 1024 ** 2;

/**
 * Reads a file from its begin to its end; with `durable` it is on the disk when this returns. A missing one, a
 * symbolic link, or anything else that is no regular file is a `RepositoryFormatError`.
 */
export async function digestFile(
  path: string,
  { durable }: { durable: boolean },
  onBytes: OnBytes,
): Promise<Digest> {
  // Without O_NONBLOCK opening a named pipe would wait for its writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: unknown) => {
    if (['ELOOP', 'ENOENT', 'ENXIO'].includes(errorCode(error) ?? '')) throw notRegular(path);
    throw error;
  });
  try {
    if (!(await file.stat()).isFile()) throw notRegular(path);
    if (durable) await file.sync();
    const hash = createHash('sha256');
    let bytes = 0;
    const chunks = file.createReadStream({ highWaterMark: chunkBytes, autoClose: false });
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      onBytes(chunk.length);
    }
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

function notRegular(path: string): RepositoryFormatError {
  return new RepositoryFormatError(`${path}: missing, or no regular file`, {
    file: path,
  });
}
