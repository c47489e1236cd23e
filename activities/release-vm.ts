import { takeOut } from '../capture/take-out.ts';
import { readVmState, type Disk } from '../capture/vm-state.ts';
import { tidySegments } from '../capture/tidy-segments.ts';
import { settleLease } from '../host/lease.ts';
import { removeReceiverFiles } from '../host/receivers.ts';
import { removeScratch } from '../host/scratch.ts';
import { publishedIds } from './published-ids.ts';
import { reachQemu } from './reach-qemu.ts';
import { reachOf, type VmSite } from './vm-site.ts';

/** What a clean-up could not do, in sentences for the operator, and the disks as they were before bitmaps were tidied. */
export type Released = { readonly troubles: string[]; readonly found: readonly Disk[] };

/**
 * The one clean-up: after it the guest is thawed and runs, nothing of ours but the segments of published backups is in
 * the VM, and no receiver, scratch or partial file is left. Called by the rollback, the sweep and whoever begins. May be
 * repeated at any point, and finds all it needs by name. Only under the VM's mutex, and the lock of nobody else.
 */
export async function releaseVm(site: VmSite): Promise<Released> {
  const troubles: string[] = [];
  const { paths, config, receivers, repository } = site;
  // First of all the guest, whose guard may be dead.
  await settleLease(paths, config.vm, reachOf(site));
  const published = await publishedIds(repository, config.vm).catch((error: unknown) => {
    troubles.push(`${config.repository}: ${textOf(error)}; partial files stay until the next run`);
    return undefined;
  });

  const qmp = await reachQemu(site);
  let found: readonly Disk[] = [];
  try {
    if (qmp) await takeOut(qmp, receivers);
    else await receivers.end();
    if (qmp) found = (await readVmState(qmp)).disks;
    // Without the repository nobody knows what is published; unmerged segments lose nothing.
    if (qmp && published) await tidySegments(qmp, (backupId) => published.has(backupId));
  } finally {
    qmp?.close();
  }
  await removeScratch(paths, config.vm);
  await removeReceiverFiles(paths, config.vm);
  if (published)
    await removePartials(site).catch((error: unknown) => {
      troubles.push(
        `${config.repository}: ${textOf(error)}; partial files stay until the next run`,
      );
    });
  return { troubles, found };
}

async function removePartials({ repository, config }: VmSite): Promise<void> {
  for (const backupId of await repository.listPartials(config.vm))
    await repository.removePartial(config.vm, backupId);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
