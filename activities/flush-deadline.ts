import { totalmem } from 'node:os';

/** A target slower than this is taken for one that hangs. */
const slowestBytesPerSecond = 4 * 1024 ** 2;

/** Linux lets writers go on until a fifth of the memory waits to be written. @see vm.dirty_ratio */
const cachedShare = 1 / 5;

/**
 * How long a target may take to make durable what was copied to it. A flush shows no progress, and a copy to a slow
 * target is through as soon as the host's memory holds the rest: so the time to write that is added to the time that a
 * target may stand still.
 */
export function flushDeadlineMs(
  { stallSeconds, copiedBytes }: { stallSeconds: number; copiedBytes: number },
  memoryBytes: number = totalmem(),
): number {
  const cachedBytes = Math.min(copiedBytes, memoryBytes * cachedShare);
  return Math.ceil((stallSeconds + cachedBytes / slowestBytesPerSecond) * 1_000);
}
