import { sweepHost } from '../../../activities/sweep-host.ts';
import type { Rig } from './rig.ts';

/** One sweep of the rig's host, as a worker makes it; what it did, and what it had trouble with. */
export async function sweep(rig: Rig): Promise<{ done: string[]; troubles: unknown[] }> {
  const heard = { done: [] as string[], troubles: [] as unknown[] };
  await sweepHost(rig.dependencies, new AbortController().signal, {
    done: (_vm, what) => void heard.done.push(what),
    trouble: (_vm, error) => void heard.troubles.push(error),
  });
  return heard;
}
