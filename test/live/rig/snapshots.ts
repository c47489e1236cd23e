import { join } from 'node:path';
import type { Machine } from '../../../lab/machine.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import { eventually } from '../../host/eventually.ts';
import { sendRaw } from './send-raw.ts';

/** Puts an overlay above disk 0, as somebody's tool for snapshots does. The file of the overlay. */
export async function takeSnapshot(machine: Machine): Promise<string> {
  const { labQmp } = machine;
  const { path, virtualBytes } = machine.disk(0);
  const filename = join(machine.folder, 'overlay.qcow2');
  await createImage({ path: filename, virtualBytes, backing: { path, format: 'qcow2' } });
  await labQmp.execute('blockdev-add', {
    driver: 'qcow2',
    'node-name': 'overlay',
    file: { driver: 'file', filename },
    backing: null,
  });
  const data = { node: 'vd0-node', overlay: 'overlay' };
  await labQmp.execute('transaction', { actions: [{ type: 'blockdev-snapshot', data }] });
  return filename;
}

/** Commits the overlay into the image below it, and lets the device go on with that one. */
export async function commitSnapshot(machine: Machine): Promise<void> {
  const { labQmp } = machine;
  const job = { 'job-id': 'theirs', device: 'overlay', 'auto-dismiss': false };
  await sendRaw(machine, 'block-commit', job);
  const reach = async (wanted: string) =>
    eventually(async () =>
      (await labQmp.execute('query-jobs', {})).some(({ status }) => status === wanted),
    );
  await reach('ready');
  await labQmp.execute('job-complete', { id: 'theirs' });
  await reach('concluded');
  await labQmp.execute('job-dismiss', { id: 'theirs' });
  await labQmp.execute('blockdev-del', { 'node-name': 'overlay' });
}
