import { parseOurName, type Role } from '../model/names.ts';
import type { CallOptions, QmpClient } from '../qemu/qmp/client.ts';
import { tolerant } from './tolerant.ts';
import type { VmState } from './vm-state.ts';

/** Removes the nodes of ours in those roles, one role after the other. */
export async function removeNodes(
  qmp: QmpClient,
  { graph }: VmState,
  roles: readonly Role[],
  options: CallOptions = {},
): Promise<void> {
  for (const role of roles)
    for (const node of graph.nodes)
      if (parseOurName(node)?.role === role)
        await tolerant(qmp.execute('blockdev-del', { 'node-name': node }, options));
}
