import { placeOf } from '../capture/block-nodes.ts';
import { isHeldByJob } from '../capture/held-by-job.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { createScratch, reserveScratch } from '../qemu/images/create-scratch.ts';
import { placesOf, type VmSite } from './vm-site.ts';

/** The scratch of one disk. Where a full one would fail the guest's own writes, its room is set aside. */
export async function makeScratch(
  site: VmSite,
  plan: BackupPlan,
  { index, virtualBytes }: DiskPlan,
): Promise<void> {
  const { scratchPath: path, scratchLimitBytes: limitBytes } = placeOf(placesOf(site, plan), index);
  const { signal } = site;
  await createScratch({ path, virtualBytes, limitBytes, signal });
  if (isHeldByJob(plan)) await reserveScratch({ path, limitBytes, signal });
}
