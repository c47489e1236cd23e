import { setTimeout as delay } from 'node:timers/promises';

/** Looks again and again until there is nothing to tell, and returns what there still is when the time is over. */
export async function untilNone(
  look: () => Promise<string[]>,
  timeoutMs: number,
): Promise<string[]> {
  for (const end = performance.now() + timeoutMs; ; await delay(50)) {
    const found = await look();
    if (found.length === 0 || performance.now() >= end) return found;
  }
}
