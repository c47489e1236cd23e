import type { ChainNode } from '../model/under-snapshots.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { seenBitmaps, type VmState } from './vm-state.ts';

/**
 * Every node with its bitmaps, or a sentence that says why they are not asked for. The query kills QEMU 5.2 beside a
 * backup job that has ended and was not dismissed, and 7.2 while a write hangs in the filter of one that was: so it is
 * sent only where there is no job at all, in a VM whose writes go well. Below 5.2 nothing that it says is of use: a
 * persistent bitmap under an overlay is stale, or takes the disk away.
 */
export async function backingNodes(
  qmp: QmpClient,
  { jobs, status, graph }: Pick<VmState, 'jobs' | 'status' | 'graph'>,
): Promise<Map<string, ChainNode> | string> {
  const { major, minor } = qmp.version;
  if (major < 5 || (major === 5 && minor < 2))
    return 'below QEMU 5.2 bitmaps under an overlay cannot be trusted';
  const job = jobs[0];
  if (job) return `job ${job.id} is in the VM, and QEMU may not be asked beside it`;
  if (status === 'io-error') return 'the VM stands still with an I/O error';
  const loose = graph.nodes.find((node) => node.startsWith('#') && graph.isLoose(node));
  if (loose !== undefined) return `node ${loose} is what is left of a job`;
  const nodes = await qmp.execute('query-named-block-nodes', { flat: true });
  return new Map(
    nodes.map((entry) => {
      const { 'node-name': node = '', drv, image, 'dirty-bitmaps': bitmaps = [] } = entry;
      const virtualBytes = image?.['virtual-size'] ?? 0;
      const chainNode = { node, format: drv, virtualBytes, separateData: false };
      return [node, { ...chainNode, bitmaps: seenBitmaps(bitmaps) }];
    }),
  );
}

/** Whether the node lies above another one that it reads from. */
export function isOverlay({ graph }: Pick<VmState, 'graph'>, node: string): boolean {
  return graph.child(node, 'backing') !== undefined;
}

/** The backing chain of a node, itself first. */
export function backingChain(
  { graph }: Pick<VmState, 'graph'>,
  nodes: ReadonlyMap<string, ChainNode>,
  node: string,
): ChainNode[] {
  const chain: ChainNode[] = [];
  for (let at: string | undefined = node; at !== undefined; at = graph.child(at, 'backing')) {
    const seen = nodes.get(at);
    if (!seen) break;
    chain.push({ ...seen, separateData: graph.child(at, 'data-file') !== undefined });
  }
  return chain;
}
