import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { compareImages } from '../../qemu/images/compare-images.ts';
import { convertImage } from '../../qemu/images/convert-image.ts';
import type { ImageFormat } from '../../qemu/images/image-file.ts';
import { imageInfo } from '../../qemu/images/image-info.ts';
import { ToolError } from '../../qemu/errors.ts';
import { RestoreTargetError } from '../errors.ts';
import { sizeOfFile } from './target-folder.ts';

/** One disk on its way from the repository to a file of its own. */
export type DiskToRestore = {
  readonly device: string;
  /** The disk's file in the backup. */
  readonly from: string;
  readonly virtualBytes: number;
  readonly file: string;
  readonly format: ImageFormat;
};

/** Where a disk is written until it is whole. */
export function partialOf(file: string): string {
  return `${file}.partial`;
}

/**
 * Writes what a disk holds into one file that depends on nothing, and gives it its name when it is whole and on the
 * medium. May run again: an unfinished file is begun anew. Never writes over a finished one.
 */
export async function restoreDisk(
  { from, file, format }: DiskToRestore,
  onPercent: (percent: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const partial = partialOf(file);
  await sizeOfFile(partial);
  let begun = false;
  try {
    await convertImage({
      from,
      to: partial,
      format,
      signal,
      onProgress: (percent) => {
        begun = true;
        onPercent(percent);
      },
    });
    await flush(partial);
    if ((await sizeOfFile(file)) !== undefined) throw overwriting(file);
    await rename(partial, file);
    await flush(dirname(file));
  } catch (error) {
    // Before its first percent qemu-img may have found that another restore holds the file.
    if (begun) await rm(partial, { force: true });
    throw error;
  }
}

/** Whether a finished file is there already and holds this very disk. One that holds anything else is a `RestoreTargetError`. */
export async function isRestored(
  { from, virtualBytes, file, format }: DiskToRestore,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await sizeOfFile(file)) === undefined) return false;
  try {
    const target = { path: file, format };
    const info = await imageInfo(target, { signal });
    const isWhole = info.virtualBytes === virtualBytes && info.backing === undefined;
    if (isWhole && (await compareImages(from, target, { signal }))) return true;
  } catch (error) {
    // It is no such image, or a VM runs on it.
    if (!(error instanceof ToolError)) throw error;
  }
  throw overwriting(file);
}

function overwriting(file: string): RestoreTargetError {
  return new RestoreTargetError(
    `${file} is there already and is not this disk of this backup. It is not written over: move it away, or name another folder with --to.`,
  );
}

/** Brings a file, or the names in a folder, to the medium. */
async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems have no fsync of folders.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}
