import { readFile } from 'node:fs/promises';
import { copyJobs, setSpeed } from '../lab/copy-jobs.ts';
import { statePaths } from '../host/state-paths.ts';
import { findReceivers } from '../qemu/receiver/find-receivers.ts';
import { buildSite, untilJob, type Site } from './site.ts';

const MiB = 1024 ** 2;

/**
 * Kills the worker in the middle of a copy and starts another: how many bytes went to the target in all, beside what the
 * jobs had to copy. The copy goes on with the jobs that ran, so no byte goes twice.
 */
export async function benchKilled(): Promise<string[]> {
  await using site = await buildSite({ disks: [{ virtualBytes: 256 * MiB }] });
  const { machine, product } = site;
  const device = machine.device(machine.disk());
  for (let at = 0; at < 128 * MiB; at += 32 * MiB)
    await device.write(1 + at / MiB, { offset: at, bytes: 32 * MiB });

  const slowed = untilJob(site, 'created').then((id) => setSpeed(machine.labQmp, [id], '16M'));
  const backup = site.backUp({ kind: 'full' });
  await slowed;
  await untilWritten(site, 8 * MiB);
  await product.killWorker();
  await product.restartWorker();
  const jobs = await copyJobs(machine.labQmp);
  const pending = untilJob(site, 'pending').then(() => writtenBytes(site));
  await setSpeed(machine.labQmp, jobs, '0');
  const bytes = await pending;
  const { tookMs } = await backup;
  return [
    'worker killed with SIGKILL in the middle of a copy of 128 MiB, and started again',
    `  written to the target  ${(bytes / MiB).toFixed(1)} MiB, ratio ${(bytes / (128 * MiB)).toFixed(2)} to what there was to copy`,
    `  start to finished      ${tookMs.toFixed(0)} ms`,
  ];
}

async function untilWritten(site: Site, bytes: number): Promise<void> {
  while ((await writtenBytes(site)) < bytes)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** What the receivers have written, as the kernel counts it: QEMU counts for devices alone. @see proc(5), /proc/pid/io */
async function writtenBytes({ product }: Site): Promise<number> {
  const { run } = statePaths(product.state).vm('vm');
  const counts = (await findReceivers(run)).map(async ({ pid }) => {
    const io = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '');
    return Number(/^wchar: (\d+)$/m.exec(io)?.[1] ?? 0);
  });
  return (await Promise.all(counts)).reduce((total, bytes) => total + bytes, 0);
}
