import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createImage } from '../qemu/images/create-image.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { median, spread } from './median.ts';
import { buildSite, type Site } from './site.ts';

const rounds = 3;
const MiB = 1024 ** 2;
const diskBytes = 1024 * MiB;

/** A full backup of 1 GiB from the page cache, beside a bare `blockdev-backup` to a file: job created to job pending. */
export async function benchFull(): Promise<string[]> {
  await using site = await buildSite({ disks: [{ virtualBytes: diskBytes }] });
  const device = site.machine.device(site.machine.disk());
  for (let offset = 0; offset < diskBytes; offset += 64 * MiB)
    await device.write(1 + ((offset / MiB / 64) % 250), { offset, bytes: 64 * MiB });
  await device.flush();

  const bare: number[] = [];
  const ours: number[] = [];
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(await bareBackup(site));
    const pending = untilPending(site.machine.labQmp, (id) => /^sp-.*00j$/.test(id));
    took.push((await site.backUp({ kind: 'full' })).tookMs);
    ours.push(await pending);
  }
  return [
    'full of 1 GiB from the page cache',
    `  bare blockdev-backup   ${spread(bare, 'ms')}`,
    `  through the receiver   ${spread(ours, 'ms')}: ${(median(bare) / median(ours)).toFixed(2)} of its speed`,
    `  start to finished      ${spread(took, 'ms')}`,
  ];
}

async function bareBackup({ machine, product }: Site): Promise<number> {
  const { labQmp } = machine;
  const path = join(product.folder, 'bare.qcow2');
  await createImage({ path, virtualBytes: diskBytes });
  const file = { driver: 'file', filename: path } as const;
  await labQmp.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'bare', file });
  const pending = untilPending(labQmp, (id) => id === 'bare');
  await labQmp.execute('blockdev-backup', {
    'job-id': 'bare',
    device: `${machine.disk().name}-node`,
    target: 'bare',
    sync: 'full',
    'auto-finalize': false,
  });
  const tookMs = await pending;
  const gone = untilStatus(labQmp, (id) => id === 'bare', 'null');
  await labQmp.execute('job-finalize', { id: 'bare' });
  await gone;
  await labQmp.execute('blockdev-del', { 'node-name': 'bare' });
  await rm(path);
  return tookMs;
}

/** Milliseconds by QEMU's own clock from the job's creation until it waits to be finalized. */
async function untilPending(qmp: QmpClient, isIt: (id: string) => boolean): Promise<number> {
  const created = await untilStatus(qmp, isIt, 'created');
  return (await untilStatus(qmp, isIt, 'pending')) - created;
}

async function untilStatus(
  qmp: QmpClient,
  isIt: (id: string) => boolean,
  status: string,
): Promise<number> {
  return new Promise((resolve) => {
    const unlisten = qmp.listen(({ event, data, timestampMs }) => {
      if (event !== 'JOB_STATUS_CHANGE' || data['status'] !== status) return;
      if (!isIt(String(data['id']))) return;
      unlisten();
      resolve(timestampMs);
    });
  });
}
