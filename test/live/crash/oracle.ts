import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vm } from '../../../demo/stage.ts';
import { compare } from '../../../lab/compare.ts';
import { nodesOf } from '../../../lab/nodes-of.ts';
import { foreign, type World } from './world.ts';

/** Every backup that is kept restores to what the disks held at its instant. What differs. */
export async function differing({ stage, kept }: World): Promise<string[]> {
  const differences: string[] = [];
  for (const { backupId, files } of kept)
    for (const [device, copy] of files) {
      const file = join(stage.product.repository, vm, backupId, `${device}.qcow2`);
      const outcome = await compare(file, copy).catch((error: unknown) => String(error));
      if (outcome !== 'identical') differences.push(`${backupId} ${device}: ${outcome}`);
    }
  return differences;
}

/** All of ours that no live run owns, in the VM, among the processes and in the folders; and what of others' is missing. */
export async function leftovers(world: World): Promise<string[]> {
  return [
    ...(await inQemu(world)),
    ...(await processes(world)),
    ...(await lasting(world)),
    ...(await inRepository(world)),
  ];
}

async function inQemu({ stage }: World): Promise<string[]> {
  const { labQmp, disks } = stage.machine;
  const nodes = await nodesOf(labQmp);
  const jobs = await labQmp.execute('query-jobs', {});
  const published = await readdir(join(stage.product.repository, vm));
  const bitmaps = nodes.flatMap((node) => node['dirty-bitmaps'] ?? []);
  const names = nodes.map((node) => node['node-name'] ?? '');
  const others = bitmaps.filter(({ name, recording }) => name === foreign.bitmap && recording);
  return [
    ...names.filter((name) => name.startsWith('sp-')),
    ...jobs.map(({ id }) => `job ${id}`),
    ...bitmaps.flatMap(({ name = '' }) => (isStray(name, published) ? [name] : [])),
    ...(names.includes(foreign.node) ? [] : ['the node of somebody else is gone']),
    ...(others.length === disks.length ? [] : ['a bitmap of somebody else is gone']),
  ];
}

/** Segments are of published backups; anything else of ours is left over. */
function isStray(bitmap: string, published: readonly string[]): boolean {
  if (!bitmap.startsWith('stillpoint')) return false;
  return !published.some((backupId) => bitmap.startsWith(`stillpoint:${backupId}:`));
}

/** Processes that carry the watch of this world but are no part of its worker. */
async function processes({ stage, edges }: World): Promise<string[]> {
  const mark = Object.entries(edges.env).map(([name, value]) => `${name}=${value}`)[0] ?? '';
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (!environ.split('\0').includes(mark)) continue;
    const group = (await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ''))
      .replace(/^.*\) /, '')
      .split(' ')[2];
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (group !== String(stage.product.workerPid) && command !== '')
      found.push(`process ${pid}: ${command.split('\0').slice(0, 4).join(' ')}`);
  }
  return found;
}

/** Files of the state folder that tell of a run, or that a death left half-made. */
async function lasting({ stage }: World): Promise<string[]> {
  const names = await readdir(stage.product.state, { recursive: true });
  return names.filter((name) => !isLasting.test(name));
}

/** What a host keeps between backups: folders, logs, the last guard's, and which repository it knows. */
const isLasting =
  /^(vms|run|scratch|repositories)(\/[^/]*)?$|guard\.log$|repositories\/[^/]+\.json$/;

async function inRepository({ stage }: World): Promise<string[]> {
  const names = await readdir(stage.product.repository, { recursive: true });
  return names.filter((name) => /partial|tmp/.test(name));
}
