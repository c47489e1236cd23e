import type { QmpClient } from '../qemu/qmp/client.ts';
import type { BlockDeviceInfo } from '../qemu/qmp/replies.ts';

/** All nodes of a machine with their bitmaps. Below QEMU 4.2 these are shown with the device alone. */
export async function nodesOf(qmp: QmpClient): Promise<BlockDeviceInfo[]> {
  const nodes = await qmp.execute('query-named-block-nodes', { flat: true });
  const tops = (await qmp.execute('query-block', {})).flatMap(({ inserted }) => inserted ?? []);
  return nodes.map((node) => {
    const top = tops.find((one) => one['node-name'] === node['node-name']);
    const bitmaps = node['dirty-bitmaps'] ?? top?.['dirty-bitmaps'];
    return { ...node, ...(bitmaps && { 'dirty-bitmaps': bitmaps }) };
  });
}
