import { isTemporaryBitmap, parseOurName } from '../model/names.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { backingNodes, isOverlay } from './backing-chain.ts';
import { isShielded, ourTraces } from './traces.ts';
import { readVmState, type VmState } from './vm-state.ts';

type OnNode = { readonly node: string; readonly name: string };

/**
 * The temporary bitmaps in the VM. They are ours by name, on whatever node they are: somebody may have put an overlay
 * above it. `found` is what was there at first, before anything was taken out.
 */
export async function temporaryBitmaps(qmp: QmpClient, found: VmState): Promise<OnNode[]> {
  const nodes = await nodesWithBitmaps(qmp, found);
  return nodes.flatMap(({ node, bitmaps }) =>
    bitmaps.flatMap(({ name = '' }) => (isTemporaryBitmap(name) ? [{ node, name }] : [])),
  );
}

/**
 * After an unshielded copy only the devices' own nodes: its job leaves a filter without a child for as long as a write
 * of the guest hangs in it, and the query of all nodes then kills QEMU (SIGSEGV in `bdrv_refresh_filename`; 7.2, seen
 * with the VM paused by `io-error`).
 */
async function nodesWithBitmaps(qmp: QmpClient, found: VmState) {
  if (isShielded(found)) {
    const nodes = await qmp.execute('query-named-block-nodes', { flat: true });
    return nodes.map(({ 'node-name': node = '', 'dirty-bitmaps': bitmaps = [] }) => ({
      node,
      bitmaps,
    }));
  }
  const state = await readVmState(qmp);
  const wasCopy = ourTraces(found).some((name) => parseOurName(name)?.role !== 'o');
  if (wasCopy || !state.disks.some(({ node }) => isOverlay(state, node))) return state.disks;
  const nodes = await backingNodes(qmp, state);
  return typeof nodes === 'string' ? state.disks : [...nodes.values()];
}
