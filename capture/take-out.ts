import { isTemporaryBitmap, parseOurName } from '../model/names.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { cancelJobs } from './cancel-jobs.ts';
import { NotFreedError } from './errors.ts';
import { takeFiltersOut } from './filter.ts';
import { letGoOfTargets } from './let-go-of-targets.ts';
import type { Receivers } from './ports.ts';
import { removeNodes } from './remove-nodes.ts';
import { tolerant } from './tolerant.ts';
import { isShielded, ourTraces } from './traces.ts';
import { isOurs, readVmState, type VmState } from './vm-state.ts';

/**
 * Takes every job, node and temporary bitmap of ours out of the VM, whatever run left it, in the one order that works:
 * jobs, receivers, `yank`, snapshot-access, filters, then the other nodes. Segments stay. May be repeated at any point.
 * What cannot be removed is a `NotFreedError`.
 */
export async function takeOut(qmp: QmpClient, receivers: Receivers): Promise<void> {
  const found = await readVmState(qmp);
  if (isFree(found)) return receivers.end();
  const shielded = isShielded(found);
  if (!shielded) await letGoOfTargets(qmp, found, receivers);
  await cancelJobs(qmp);
  await receivers.end();
  await yank(qmp, await readVmState(qmp));
  await cancelJobs(qmp);

  const state = await readVmState(qmp);
  // With its snapshot-access node there, QEMU refuses to take a filter out.
  await removeNodes(qmp, state, ['a']);
  await takeFiltersOut(qmp, state.disks, state.graph);
  await removeNodes(qmp, state, ['f', 's', 't', 'p']);
  for (const bitmap of await temporaryBitmaps(qmp, shielded))
    await tolerant(qmp.execute('block-dirty-bitmap-remove', bitmap));

  const left = [
    ...ourTraces(await readVmState(qmp)),
    ...(await temporaryBitmaps(qmp, shielded)).map(({ name }) => name),
  ];
  if (left.length > 0) throw new NotFreedError(`${left.join(', ')}: still in the VM; trying again`);
}

/** Whether nothing of ours but segments is in the VM, as before most backups. */
function isFree(state: VmState): boolean {
  const bitmaps = state.disks.flatMap((disk) => disk.bitmaps);
  return ourTraces(state).length === 0 && !bitmaps.some(({ name }) => isTemporaryBitmap(name));
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

/** Temporary bitmaps are ours by name, on whatever node they are: somebody may have put an overlay above it. */
async function temporaryBitmaps(
  qmp: QmpClient,
  shielded: boolean,
): Promise<{ node: string; name: string }[]> {
  const nodes = shielded ? await namedNodes(qmp) : (await readVmState(qmp)).disks;
  return nodes.flatMap(({ node, bitmaps }) =>
    bitmaps.flatMap(({ name = '' }) => (isTemporaryBitmap(name) ? [{ node, name }] : [])),
  );
}

/**
 * Every node with its bitmaps. Never after an unshielded copy: its job leaves a filter without a child for as long as a
 * write of the guest hangs in it, and the query then kills QEMU (SIGSEGV in `bdrv_refresh_filename`; 7.2, seen with the
 * VM paused by `io-error`).
 */
async function namedNodes(qmp: QmpClient) {
  const nodes = await qmp.execute('query-named-block-nodes', { flat: true });
  return nodes.map(({ 'node-name': node = '', 'dirty-bitmaps': bitmaps = [] }) => ({
    node,
    bitmaps,
  }));
}
