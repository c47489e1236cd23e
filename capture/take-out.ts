import { isTemporaryBitmap, parseOurName, type Role } from '../model/names.ts';
import { QmpCommandError } from '../qemu/errors.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { jobsReach } from './await-jobs.ts';
import { removeNode } from './block-nodes.ts';
import { NotFreedError } from './errors.ts';
import { takeFiltersOut } from './filter.ts';
import type { Receivers } from './ports.ts';
import { ourTraces } from './traces.ts';
import { isOurs, readVmState, type VmState } from './vm-state.ts';

/**
 * Takes every job, node and temporary bitmap of ours out of the VM, whatever run left it, in the one order that works:
 * jobs, receivers, `yank`, snapshot-access, filters, then the other nodes. Segments stay. May be repeated at any point.
 * What cannot be removed is a `NotFreedError`.
 */
export async function takeOut(qmp: QmpClient, receivers: Receivers): Promise<void> {
  const found = await readVmState(qmp);
  // Without a filter the guest's own writes wait for the target: no receiver may be missing until the jobs are gone.
  const unshielded = !found.graph.nodes.some((node) => parseOurName(node)?.role === 'f');
  if (unshielded && found.jobs.some(({ id }) => isOurs(id)))
    await receivers.substituteDead(targetsOf(found));
  await cancelJobs(qmp);
  await receivers.end();
  if (unshielded && (await haveJobs(qmp))) {
    await receivers.substituteDead(targetsOf(found));
    await cancelJobs(qmp);
    await receivers.end();
  }
  await yank(qmp, found);
  await cancelJobs(qmp);

  const state = await readVmState(qmp);
  // With its snapshot-access node there, QEMU refuses to take a filter out.
  await removeNodes(qmp, state, ['a']);
  await takeFiltersOut(qmp, state.disks, state.graph);
  await removeNodes(qmp, state, ['f', 's', 't', 'p']);
  await removeTemporaryBitmaps(qmp);

  const left = ourTraces(await readVmState(qmp));
  if (left.length > 0) throw new NotFreedError(`${left.join(', ')}: still in the VM; trying again`);
}

/** Cancels, waits a little and dismisses. A job that hangs on its target stays for the next time. */
async function cancelJobs(qmp: QmpClient): Promise<void> {
  for (const { id, status } of await qmp.execute('query-jobs', {}))
    if (isOurs(id) && status !== 'concluded') await tolerant(qmp.execute('job-cancel', { id }));
  await jobsReach(qmp, ({ status }) => status === 'concluded', 2_000);
  for (const { id, status } of await qmp.execute('query-jobs', {}))
    if (isOurs(id) && status === 'concluded') await tolerant(qmp.execute('job-dismiss', { id }));
}

async function haveJobs(qmp: QmpClient): Promise<boolean> {
  return (await qmp.execute('query-jobs', {})).some(({ id }) => isOurs(id));
}

/** Cuts the connections of our target nodes, so that what waits for a hung target fails at once. From QEMU 6.0 on. */
async function yank(qmp: QmpClient, { graph }: VmState): Promise<void> {
  if (qmp.version.major < 6 || !graph.nodes.some((node) => parseOurName(node)?.role === 't'))
    return;
  const instances = (await qmp.execute('query-yank', {})).flatMap((instance) => {
    const node = instance['node-name'] ?? '';
    return isOurs(node) ? [{ type: 'block-node' as const, 'node-name': node }] : [];
  });
  if (instances.length > 0) await tolerant(qmp.executeOutOfBand('yank', { instances }));
}

/** The disks that have a target; a sink as large as the largest disk takes the writes of any. */
function targetsOf({ graph, disks }: VmState) {
  const virtualBytes = Math.max(...disks.map((disk) => disk.virtualBytes), 0);
  return graph.nodes.flatMap((node) => {
    const parsed = parseOurName(node);
    return parsed?.role === 't' ? [{ index: parsed.disk, virtualBytes }] : [];
  });
}

async function removeNodes(qmp: QmpClient, { graph }: VmState, roles: Role[]): Promise<void> {
  for (const role of roles)
    for (const node of graph.nodes)
      if (parseOurName(node)?.role === role) await tolerant(removeNode(qmp, node));
}

/** Temporary bitmaps are ours by name, on whatever node they are. */
async function removeTemporaryBitmaps(qmp: QmpClient): Promise<void> {
  for (const { node, bitmaps } of (await readVmState(qmp)).disks)
    for (const { name } of bitmaps)
      if (isTemporaryBitmap(name))
        await tolerant(qmp.execute('block-dirty-bitmap-remove', { node, name }));
}

/** What QEMU refuses here is looked at again at the end; what is lost or late is not a refusal. */
async function tolerant(command: Promise<unknown>): Promise<void> {
  await command.catch((error: unknown) => {
    if (!(error instanceof QmpCommandError)) throw error;
  });
}
