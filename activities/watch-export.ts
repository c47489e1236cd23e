import { setTimeout as delay } from 'node:timers/promises';
import { checkInstant } from '../capture/check-instant.ts';
import { SnapshotBrokenError } from '../capture/errors.ts';
import { removeExports } from '../capture/exports.ts';
import type { CaptureContext } from '../capture/ports.ts';
import { areServed } from '../capture/serve.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, withCapture } from './vm-site.ts';

/** A look costs QEMU a job of one sector for each disk. */
const everyMs = 2_000;

/**
 * Looks after what is served, until it is served no more, by whomever, or can be trusted no more: then it is taken away
 * at once (`SnapshotBrokenError`). Between two looks the VM is free for whoever closes the export. May be called again.
 */
export async function watchExport(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
): Promise<void> {
  while (await atStep(dependencies, plan, signal, (site) => withCapture(site, plan, look)))
    await delay(everyMs, undefined, { signal });
}

async function look(context: CaptureContext): Promise<boolean> {
  if (!(await areServed(context))) return false;
  await takenAwayIfBroken(context);
  return true;
}

/** What can be read must be of the instant: where it is not, nobody reads on. */
async function takenAwayIfBroken(context: CaptureContext): Promise<void> {
  try {
    await checkInstant(context);
  } catch (error) {
    if (error instanceof SnapshotBrokenError) await removeExports(context.qmp);
    throw error;
  }
}
