import type { TestContext } from 'vitest';
import { FileSystem } from '../../lab/file-system.ts';

/** Mounts one. Skips the test, with the reason, where none can be mounted. */
export async function mountOrSkip(context: TestContext, mebibytes = 64): Promise<FileSystem> {
  const reason = await FileSystem.whyNone();
  context.skip(reason !== undefined, `a file system of its own: ${reason}`);
  return FileSystem.mount(mebibytes);
}

/** From now on it writes no faster. Skips the test, with the reason, where none can be slowed. */
export async function slowDownOrSkip(
  context: TestContext,
  files: FileSystem,
  bytesPerSecond: number,
): Promise<void> {
  const reason = await FileSystem.whyNotSlow();
  context.skip(reason !== undefined, `a slow device: ${reason}`);
  await files.slowDown(bytesPerSecond);
}
