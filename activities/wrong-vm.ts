import { resolve } from 'node:path';
import { ourTraces } from '../capture/traces.ts';
import { readVmState, type Disk, type VmState } from '../capture/vm-state.ts';
import { readLock } from '../host/lock.ts';
import { parseOurName } from '../model/names.ts';
import { segmentsOf } from '../model/segments.ts';
import { WrongVmError } from './errors.ts';
import { publishedIds } from './published-ids.ts';
import { reachQemu } from './reach-qemu.ts';
import type { VmSite } from './vm-site.ts';

/**
 * Throws a `WrongVmError` when the machine behind the VM's socket is certainly another VM of this host. Nothing in it is
 * changed before. One without any segment cannot be told apart, and a machine that does not answer is not looked at.
 */
export async function refuseWrongVm(site: VmSite): Promise<void> {
  await using qmp = await reachQemu(site);
  if (!qmp) return;
  const state = await readVmState(qmp);
  const tracked = trackedIds(state.disks);
  const own = tracked.length === 0 ? new Set<string>() : await publishedIds(site);
  const wrong =
    (await atWorkFor(
      site,
      state,
      tracked.filter((id) => !own.has(id)),
    )) ?? (await trackedFor(site, state.disks, own));
  if (wrong) throw wrong;
}

/**
 * The error, if a backup of another VM is at work in the machine: its lock names what is in there, nodes and jobs, and
 * what else is named. Asks the host alone.
 */
export async function atWorkFor(
  site: VmSite,
  state: VmState,
  alsoThere: readonly string[] = [],
): Promise<WrongVmError | undefined> {
  const { paths, config, others } = site;
  const traces = ourTraces(state).flatMap((name) => parseOurName(name)?.backupId ?? []);
  const there = new Set([...traces, ...alsoThere]);
  // Two backups that began in one second may have one id.
  there.delete((await readLock(paths, config.vm))?.backupId ?? '');
  if (there.size === 0) return undefined;
  for (const { vm } of others) {
    // Another VM's damaged lock must not keep this one from being freed.
    const lock = await readLock(paths, vm).catch(() => undefined);
    if (lock && there.has(lock.backupId))
      return wrongVm(site, vm, `its backup ${lock.backupId} is at work there`);
  }
  return undefined;
}

/**
 * The error, if the segments on the disks are of backups that are published for another VM, and none of `own`, which are
 * this one's. An image that moved here beside disks of this VM is no such case: it alone goes full.
 */
export async function trackedFor(
  site: VmSite,
  disks: readonly Disk[],
  own: ReadonlySet<string>,
): Promise<WrongVmError | undefined> {
  const tracked = trackedIds(disks);
  if (tracked.length === 0 || tracked.some((backupId) => own.has(backupId))) return undefined;
  for (const { vm, repository } of site.others) {
    if (resolve(repository) !== resolve(site.config.repository)) continue;
    site.signal.throwIfAborted();
    const published = await publishedIds(site, vm);
    const backupId = tracked.find((id) => published.has(id));
    if (backupId !== undefined)
      return wrongVm(site, vm, `its disks carry bitmaps of ${vm}'s backups, such as ${backupId}`);
  }
  return undefined;
}

function trackedIds(disks: readonly Disk[]): string[] {
  return disks.flatMap(({ bitmaps }) => segmentsOf(bitmaps)).map(({ backupId }) => backupId);
}

function wrongVm({ config: { vm, qmp } }: VmSite, other: string, sign: string): WrongVmError {
  return new WrongVmError(
    `${vm}: the machine behind ${qmp} is ${other}: ${sign}. Correct \`qmp\` in the inventory. ` +
      `If ${vm} was made of copies of ${other}'s disks, remove the bitmaps "stillpoint:..." from them first`,
  );
}
