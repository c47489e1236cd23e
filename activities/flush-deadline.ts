import { readFile } from 'node:fs/promises';

/** A target slower than this is taken for one that hangs. */
const slowestBytesPerSecond = 4 * 1024 ** 2;

/** What of files the kernel has not written yet. @see proc_meminfo(5) */
const unwritten = /^(?:Dirty|Writeback|NFS_Unstable): +(\d+) kB$/gm;

/**
 * How long targets may take to make durable what was copied to them. A flush shows no progress, and a copy to a slow
 * target is through as soon as the host's memory holds the rest: so the time to write what waits there is added to the
 * time that a target may stand still.
 */
export function flushDeadlineMs(
  { stallSeconds, copiedBytes }: { stallSeconds: number; copiedBytes: number },
  unwrittenBytes: number,
): number {
  const waiting = Math.min(copiedBytes, unwrittenBytes);
  return Math.ceil((stallSeconds + waiting / slowestBytesPerSecond) * 1_000);
}

/** What this host has not written to any device yet, in bytes. */
export async function readUnwrittenBytes(): Promise<number> {
  return unwrittenBytesIn(await readFile('/proc/meminfo', 'utf8'));
}

export function unwrittenBytesIn(meminfo: string): number {
  return [...meminfo.matchAll(unwritten)].reduce((sum, [, kib]) => sum + Number(kib) * 1024, 0);
}
