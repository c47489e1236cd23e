import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findGuard } from '../host/guard/find-guard.ts';
import { readLock } from '../host/lock.ts';
import { hostLeftovers } from '../host/scratch.ts';
import { hasStopLease } from '../host/stop-lease.ts';
import { compare } from '../lab/compare.ts';
import { nodesOf } from '../lab/nodes-of.ts';
import { Manifest } from '../model/manifest.ts';
import type { Actor } from './actor.ts';
import { indexOf } from './disk.ts';
import { sectorBytes, writeRaw } from './disk-model.ts';
import type { Instant } from './instants.ts';
import { Miss } from './miss.ts';
import type { Tally } from './tally.ts';
import type { Theatre } from './theatre.ts';

/** A backup in the repository, and what its disks must hold. */
export type Published = { readonly backupId: string; readonly instant: Instant };

/** Every disk of a published backup, read with plain `qemu-img`, holds what it had to hold at the instant. */
export async function checkBackup(
  theatre: Theatre,
  actor: Actor,
  { backupId, instant }: Published,
  tally: Tally,
): Promise<Manifest> {
  const folder = join(theatre.repositoryOf(actor.place), backupId);
  const manifest = Manifest.parse(
    JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')),
  );
  const which = `${actor.name}: backup ${backupId}`;
  if (manifest.disks.length !== instant.size)
    throw new Miss(`${which} has ${manifest.disks.length} disks, the VM had ${instant.size}`);
  await Promise.all(
    manifest.disks.map(async ({ file, device, virtualBytes, kind, reason }) => {
      const content = instant.get(indexOf(virtualBytes));
      if (content?.length !== virtualBytes / sectorBytes)
        throw new Miss(`${which}, ${device}: no disk was of ${virtualBytes} bytes`);
      const raw = join(actor.machine.folder, `${backupId}-${device}.raw`);
      await writeRaw(content, raw);
      const outcome = await compare(join(folder, file), raw);
      await rm(raw);
      if (outcome !== 'identical')
        throw new Miss(`${which}, ${device} (${kind}, ${reason}) is wrong: ${outcome}`);
      tally.disksCompared++;
      tally.bytesCompared += virtualBytes;
    }),
  );
  return manifest;
}

/** The backups that the repository holds of a VM, complete. */
export async function publishedOf(theatre: Theatre, { place }: Actor): Promise<string[]> {
  const names = await readdir(theatre.repositoryOf(place)).catch(() => []);
  return names.filter((name) => !name.endsWith('.partial'));
}

/** All of ours that is still in the VM, on the host or in the repository, and a VM that does not run. */
export async function leftovers(theatre: Theatre, actor: Actor): Promise<string[]> {
  const { name, machine, place } = actor;
  const { labQmp } = machine;
  const nodes = await nodesOf(labQmp);
  const inQemu = [
    ...nodes.map((node) => node['node-name'] ?? ''),
    ...nodes.flatMap((node) => (node['dirty-bitmaps'] ?? []).map((bitmap) => bitmap.name ?? '')),
    ...(await labQmp.execute('query-jobs', {})).map(({ id }) => id),
  ].filter((text) => /^(sp-|stillpoint-(tmp|spent):)/.test(text));
  const { running, status } = await labQmp.execute('query-status', {});
  const { receivers, scratch } = await hostLeftovers(theatre.paths, name);
  const guard = await findGuard(theatre.paths, name);
  const inRepository = await readdir(theatre.repositoryOf(place)).catch(() => []);
  return [
    ...inQemu,
    ...(running ? [] : [`the VM is ${status}`]),
    ...receivers,
    ...scratch,
    ...inRepository.filter((entry) => entry.endsWith('.partial')),
    ...((await readLock(theatre.paths, name)) ? ['lock'] : []),
    ...((await hasStopLease(theatre.paths, name)) ? ['stop lease'] : []),
    ...(guard === undefined ? [] : [`guard ${guard}`]),
  ];
}
