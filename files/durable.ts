import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BrokenJsonError } from './errors.ts';
import { errorCode, unlessAbsent } from './system-error.ts';

/**
 * Writes a text file so that, after any death or power cut, the old content or the new one is there, whole. When it
 * returns, the new one is on the disk. May run again. One writer at a time for a path: what a dead one left in
 * `<path>.tmp` is written over. The file is its owner's alone (0600).
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  await writeNew(temporary, text);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/**
 * Writes a text file so that every reader finds the old content or the new one, whole, whoever dies. Not flushed, for
 * what means nothing any more when the host itself has gone. One writer at a time for a path.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  await writeFile(temporary, text, { flag: 'wx', mode: 0o600 });
  await rename(temporary, path);
}

/**
 * Writes a text file only if none is there, durably and whole. True: this call made it. False: somebody else had; his
 * is left alone. Any number of writers, on any hosts, may call it at the same time.
 */
export async function createDurably(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeNew(temporary, text);
    const made = await linkedUnlessThere(temporary, path);
    await syncFolder(dirname(path));
    return made;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** The content of a JSON file, unchecked; undefined when there is no such file. What is no JSON is a `BrokenJsonError`. */
export async function readJsonFile(path: string): Promise<unknown> {
  const text = await unlessAbsent(readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BrokenJsonError(path, cause);
  }
}

/** Removes a file; none there is as good. After a power cut it may be there again. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Makes what a file holds durable. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder durable: what was created, renamed and removed in it. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    // Some network file systems have no fsync of folders; theirs are durable, or nothing can make them so.
    if (!['EINVAL', 'ENOTSUP'].includes(errorCode(error) ?? '')) throw error;
  } finally {
    await folder.close();
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function linkedUnlessThere(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}
