import { setTimeout as delay } from 'node:timers/promises';
import { ourJobsNow } from '../capture/await-jobs.ts';
import { ScratchFullError, TargetLostError } from '../capture/errors.ts';
import { haltedJobs } from '../capture/halted-jobs.ts';
import { passesOf, progressOf, refuseBroken } from '../capture/passes.ts';
import { requireGuard } from '../host/guard/require-guard.ts';
import { deadReceivers } from '../host/receivers.ts';
import { scratchLeft } from '../host/scratch.ts';
import type { Progress } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, withCapture, type VmSite } from './vm-site.ts';

const lookMs = 2_000;
const MiB = 1024 ** 2;

/**
 * Looks after a copy that stands still while an operator is waited for: returns when no job stands still any more, for
 * somebody may have resumed it over QMP, and throws when the backup is lost. The guest writes on meanwhile: when the
 * scratch is about to run out the backup is given up (`ScratchFullError`). Holds the VM only while it looks.
 */
export async function watchHalt(
  dependencies: HostDependencies,
  plan: BackupPlan,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  for (;;) {
    const isHalted = await atStep(dependencies, plan, signal, async (site) =>
      look(site, plan, onProgress),
    );
    if (!isHalted) return;
    await delay(lookMs, undefined, { signal });
  }
}

async function look(
  site: VmSite,
  plan: BackupPlan,
  onProgress: (progress: Progress) => void,
): Promise<boolean> {
  const { vm, backupId, shield } = plan;
  if (shield === 'none') await requireGuard(site.paths, vm, backupId, site.signal);
  else await requireScratch(site);
  await requireReceivers(site, plan);
  return withCapture(site, plan, async ({ qmp }) => {
    const passes = passesOf(plan, await ourJobsNow(qmp));
    onProgress(progressOf(passes, plan));
    refuseBroken(passes, shield);
    return (await haltedJobs(qmp, plan)).length > 0;
  });
}

/** One that is gone took with it what it held in memory: no resume helps. */
async function requireReceivers({ paths }: VmSite, { vm, disks }: BackupPlan): Promise<void> {
  const dead = await deadReceivers(paths, vm, disks);
  if (dead.length === 0) return;
  throw new TargetLostError(
    `${vm}: the receiver of ${dead.map(({ device }) => device).join(', ')} died while the copy waited for an operator`,
  );
}

async function requireScratch({ paths, config }: VmSite): Promise<void> {
  const { vm, scratchBytes } = config;
  const left = await scratchLeft(paths, vm, scratchBytes);
  if (left > nearlyFullBytes(scratchBytes)) return;
  throw new ScratchFullError(
    `${vm}: the guest wrote on while the copy waited for an operator, and its scratch is nearly full (${left} bytes are ` +
      'left); answer sooner, raise scratchBytes, or give the host more room',
  );
}

/** So much may a guest write between two looks. Even of a small budget a large write can be more than the rest. */
function nearlyFullBytes(scratchBytes: number): number {
  return Math.min(64 * MiB, Math.max(2 * MiB, scratchBytes / 16));
}
