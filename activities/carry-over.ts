import { carryOver } from '../capture/carry-over.ts';
import { CaptureError } from '../capture/errors.ts';
import { takeOut } from '../capture/take-out.ts';
import type { Progress } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import { BlockJobError, QmpCommandError } from '../qemu/errors.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, withCapture } from './vm-site.ts';

/**
 * Carries the tracking of each disk that an external snapshot has cut off over to the disk's own node, so that the next
 * plan finds it there. A disk where this cannot be done goes full: what stood in the way is returned. May be called again
 * after a death: it takes out what its predecessor left.
 */
export async function carryTrackingOver(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<{ troubles: string[] }> {
  return atStep(dependencies, plan, signal, (site) =>
    withCapture(site, plan, async ({ qmp, receivers }) => {
      const troubles: string[] = [];
      const tell = (doneBytes: number, totalBytes: number) => {
        const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
        onProgress({ doneBytes, totalBytes, percent });
      };
      try {
        for (const disk of plan.disks.filter(({ below }) => below)) {
          await takeOut(qmp, receivers);
          await carryOver({ qmp, plan, signal, onProgress: tell }, disk).catch((error: unknown) => {
            signal.throwIfAborted();
            if (!isOfTheDisk(error)) throw error;
            troubles.push(
              `${disk.device}: its tracking stays below an external snapshot: ${error.message}`,
            );
          });
        }
      } finally {
        await takeOut(qmp, receivers);
      }
      return { troubles };
    }),
  );
}

/** Another attempt would meet the same. A connection that is lost is no such thing. */
function isOfTheDisk(error: unknown): error is Error {
  return (
    error instanceof CaptureError ||
    error instanceof BlockJobError ||
    error instanceof QmpCommandError
  );
}
