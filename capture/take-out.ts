import { parseOurName } from '../model/names.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { cancelJobs } from './cancel-jobs.ts';
import { NotFreedError } from './errors.ts';
import { takeFiltersOut } from './filter.ts';
import { letGoOfTargets } from './let-go-of-targets.ts';
import { closeNbdServer } from './exports.ts';
import type { Receivers } from './ports.ts';
import { removeNodes } from './remove-nodes.ts';
import { temporaryBitmaps } from './temporary-bitmaps.ts';
import { tolerant } from './tolerant.ts';
import { isShielded, ourTraces } from './traces.ts';
import { isOurs, readVmState, type VmState } from './vm-state.ts';

/**
 * Takes every job, node and temporary bitmap of ours out of the VM, whatever run left it, in the one order that works:
 * jobs, exports, receivers, `yank`, snapshot-access, filters, then the other nodes. Segments stay. May be repeated at any point.
 * What cannot be removed is a `NotFreedError`.
 */
export async function takeOut(qmp: QmpClient, receivers: Receivers): Promise<void> {
  const found = await readVmState(qmp);
  const isFree = ourTraces(found).length === 0 && (await temporaryBitmaps(qmp, found)).length === 0;
  if (isFree) return receivers.end();
  if (!isShielded(found)) await letGoOfTargets(qmp, found, receivers);
  await cancelJobs(qmp);
  await closeNbdServer(qmp, found);
  await receivers.end();
  await yank(qmp, await readVmState(qmp));
  await cancelJobs(qmp);

  const state = await readVmState(qmp);
  // With its snapshot-access node there, QEMU refuses to take a filter out.
  await removeNodes(qmp, state, ['c', 'a']);
  await takeFiltersOut(qmp, state.disks, state.graph);
  await removeNodes(qmp, state, ['f', 's', 't', 'p', 'o', 'h', 'e', 'n']);
  for (const bitmap of await temporaryBitmaps(qmp, found))
    await tolerant(qmp.execute('block-dirty-bitmap-remove', bitmap));

  const left = [
    ...ourTraces(await readVmState(qmp)),
    ...(await temporaryBitmaps(qmp, found)).map(({ name }) => name),
  ];
  if (left.length > 0) throw new NotFreedError(`${left.join(', ')}: still in the VM; trying again`);
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
