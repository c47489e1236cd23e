import { ourExports } from '../../../capture/exports.ts';
import { findGuard } from '../../../host/guard/find-guard.ts';
import { readFreezeRecord } from '../../../host/freeze-record.ts';
import { readLock } from '../../../host/lock.ts';
import { hostLeftovers } from '../../../host/scratch.ts';
import { hasStopLease } from '../../../host/stop-lease.ts';
import type { Rig } from './rig.ts';
import { nodesOf } from '../../../lab/nodes-of.ts';

/** All of ours that a run has left: in the machine, on the host and in the repository. Nothing after a clean end. */
export async function leftovers(rig: Rig): Promise<string[]> {
  return [...(await inQemu(rig)), ...(await onHost(rig))];
}

/** Nodes, jobs, exports and temporary bitmaps of ours, and a machine that stands still because of us. */
async function inQemu({ machine: { labQmp, alive } }: Rig): Promise<string[]> {
  if (!alive) return [];
  const nodes = await nodesOf(labQmp);
  const bitmaps = nodes.flatMap((node) => node['dirty-bitmaps'] ?? []);
  return [
    ...nodes.map((node) => node['node-name'] ?? ''),
    ...(await labQmp.execute('query-jobs', {})).map(({ id }) => id),
    ...(await ourExports(labQmp)),
    ...bitmaps.flatMap(({ name }) => name ?? []),
  ].filter((name) => /^(sp-|stillpoint-(tmp|spent):)/.test(name));
}

async function onHost({ dependencies: { paths, repository }, repositoryFolder }: Rig) {
  const { receivers, scratch } = await hostLeftovers(paths, 'vm');
  const guard = await findGuard(paths, 'vm');
  const freeze = await readFreezeRecord(paths, 'vm');
  return [
    ...receivers,
    ...scratch,
    ...(await repository(repositoryFolder).listPartials('vm')),
    ...((await readLock(paths, 'vm')) ? ['lock'] : []),
    ...((await hasStopLease(paths, 'vm')) ? ['stop lease'] : []),
    ...(freeze && freeze.state !== 'thawed' ? ['freeze record'] : []),
    ...(guard === undefined ? [] : [`guard ${guard}`]),
  ];
}
