import { join } from 'node:path';
import { execa } from 'execa';
import type { Machine } from '../../../lab/machine.ts';
import { eventually } from '../../host/eventually.ts';
import { sendRaw } from './send-raw.ts';

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
  const { labQmp } = machine;
  await sendRaw(machine, 'block-commit', { ...theirs, device: 'overlay' });
  await jobIs(machine, 'ready');
  await labQmp.execute('job-complete', { id: 'theirs' });
  await dismissed(machine);
  await labQmp.execute('blockdev-del', { 'node-name': 'overlay' });
}

/** Commits an overlay that another one is above of. */
export async function commitBetween(
  machine: Machine,
  nodes: { device: string; 'top-node': string; 'base-node': string },
): Promise<void> {
  await sendRaw(machine, 'block-commit', { ...theirs, ...nodes });
  await dismissed(machine);
}

/** Copies all that is below an overlay into it, after which nothing is. */
export async function streamSnapshot(machine: Machine, device = 'overlay'): Promise<void> {
  await sendRaw(machine, 'block-stream', { ...theirs, device });
  await dismissed(machine);
}

const theirs = { 'job-id': 'theirs', 'auto-dismiss': false };

async function dismissed(machine: Machine): Promise<void> {
  await jobIs(machine, 'concluded');
  const [job] = await machine.labQmp.execute('query-jobs', {});
  await machine.labQmp.execute('job-dismiss', { id: 'theirs' });
  if (job?.error !== undefined) throw new Error(job.error);
}

/** Waits until somebody's job has come so far. */
export async function jobIs({ labQmp }: Machine, wanted: string): Promise<void> {
  await eventually(async () =>
    (await labQmp.execute('query-jobs', {})).some(({ status }) => status === wanted),
  );
}
