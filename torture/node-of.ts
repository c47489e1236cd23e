import type { QmpClient } from '../qemu/qmp/client.ts';
import type { Disk } from './disk.ts';

/** The node that the device of a disk has. */
export async function nodeOf(labQmp: QmpClient, { qdev }: Disk): Promise<string> {
  const blocks = await labQmp.execute('query-block', {});
  return blocks.find((block) => block.qdev === qdev)?.inserted?.['node-name'] ?? '';
}
