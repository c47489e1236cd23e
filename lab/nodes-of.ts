import type { QmpClient } from '../qemu/qmp/client.ts';
import type { BlockDeviceInfo } from '../qemu/qmp/replies.ts';

type Node = Pick<BlockDeviceInfo, 'node-name' | 'dirty-bitmaps'>;

/**
 * All nodes of a machine with their bitmaps. Below QEMU 4.2 these are shown with the device alone, and on 5.2 while a job is
 * there: the query of all nodes kills it beside one that has ended.
 */
export async function nodesOf(qmp: QmpClient): Promise<Node[]> {
  const tops = (await qmp.execute('query-block', {})).flatMap(({ inserted }) => inserted ?? []);
  return (await namedNodes(qmp)).map((node) => {
    const top = tops.find((one) => one['node-name'] === node['node-name']);
    const bitmaps = node['dirty-bitmaps'] ?? top?.['dirty-bitmaps'];
    return { ...node, ...(bitmaps && { 'dirty-bitmaps': bitmaps }) };
  });
}

async function namedNodes(qmp: QmpClient): Promise<Node[]> {
  const { major, minor } = qmp.version;
  const isFragile = major === 5 && minor === 2;
  if (!isFragile || (await qmp.execute('query-jobs', {})).length === 0)
    return qmp.execute('query-named-block-nodes', { flat: true });
  const { nodes } = await qmp.execute('x-debug-query-block-graph', {});
  return nodes.flatMap(({ type, name }) =>
    type === 'block-driver' ? [{ 'node-name': name }] : [],
  );
}
