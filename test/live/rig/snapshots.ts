import { join } from 'node:path';
import { execa } from 'execa';
import type { Machine } from '../../../lab/machine.ts';
import { TheirJob } from './their-job.ts';

/** Puts an overlay above a node of disk 0, as somebody's tool for snapshots does. The file of the overlay. */
export async function takeSnapshot(
  machine: Machine,
  { node = 'vd0-node', overlay = 'overlay' } = {},
): Promise<string> {
  const { labQmp } = machine;
  const filename = join(machine.folder, `${overlay}.qcow2`);
  const nodes = await labQmp.execute('query-named-block-nodes', { flat: true });
  const below = nodes.find((one) => one['node-name'] === node)?.image;
  if (!below) throw new Error(`no node ${node}`);
  const { filename: path, 'virtual-size': virtualBytes, format } = below;
  const options = ['-F', format, '-b', path, filename, String(virtualBytes)];
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-u', ...options]);
  await labQmp.execute('blockdev-add', {
    driver: 'qcow2',
    'node-name': overlay,
    discard: 'unmap',
    file: { driver: 'file', filename },
    backing: null,
  });
  const data = { node, overlay };
  await labQmp.execute('transaction', { actions: [{ type: 'blockdev-snapshot', data }] });
  return filename;
}

/** Commits the overlay into the image below it, and lets the device go on with that one. */
export async function commitSnapshot(machine: Machine): Promise<void> {
  const job = await TheirJob.start(machine, 'block-commit', { device: 'overlay' });
  await job.complete();
  await machine.labQmp.execute('blockdev-del', { 'node-name': 'overlay' });
}

/** Commits an overlay that another one is above of. */
export async function commitBetween(
  machine: Machine,
  nodes: { device: string; 'top-node': string; 'base-node': string },
): Promise<void> {
  const job = await TheirJob.start(machine, 'block-commit', nodes);
  await job.hasEnded();
}

/** Copies all that is below an overlay into it, after which nothing is. */
export async function streamSnapshot(machine: Machine, device = 'overlay'): Promise<void> {
  const job = await TheirJob.start(machine, 'block-stream', { device });
  await job.hasEnded();
}
