import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FileSystem } from '../lab/file-system.ts';
import type { Shield, Tier } from '../model/choices.ts';
import { quantile } from './median.ts';
import { buildSite, type Site } from './site.ts';

const KiB = 1024;
const MiB = KiB * KiB;
const writes = 400;
const pauseMs = 20;

/**
 * What a guest's writes of 64 KiB take while a backup copies to a file system of 2 MB/s, beside what they take without a
 * backup, measured just before on the same machine.
 */
export async function benchSlowTarget(wanted: {
  readonly shield: Shield;
  readonly tier?: Tier;
}): Promise<string[]> {
  const title = `guest writes with a target of 2 MB/s, ${wanted.tier ?? `shield ${wanted.shield}`}`;
  const reason = (await FileSystem.whyNone()) ?? (await FileSystem.whyNotSlow());
  if (reason !== undefined) return [title, `  not measured: ${reason}`];
  await using files = await FileSystem.mount(512);
  const settings = { repository: join(files.path, 'backups') };
  await using site = await buildSite({ disks: [{ virtualBytes: 256 * MiB }] }, settings);
  const [disk] = site.machine.disks;
  if (!disk) throw new Error('a machine without a disk');
  for (let at = 0; at < 128; at += 32)
    await site.machine.device(disk).write(1, { offset: at * MiB, bytes: 32 * MiB });
  const alone = await measure(site);
  await files.slowDown(2 * MiB);
  const ended = site.backUp({ ...wanted, kind: 'full' }).then(
    () => 'through before the writes were',
    (error: unknown) => `given up: ${String(error)}`,
  );
  while ((await site.status())?.phase !== 'copying') await delay(50);
  const during = await measure(site);
  await files.recover();
  const outcome = await Promise.race([ended, delay(0, 'under way to the last write')]);
  await ended;
  const p99 = [alone, during].map((took) => quantile(took, 0.99));
  const row = (took: readonly number[]) =>
    [0.5, 0.99, 1].map((q) => quantile(took, q).toFixed(1)).join(' / ');
  return [
    title,
    `  without a backup       ${row(alone)} ms (p50 / p99 / max)`,
    `  while it copies        ${row(during)} ms, ${outcome}`,
    `  p99                    ratio ${((p99[1] ?? NaN) / (p99[0] ?? NaN)).toFixed(2)}`,
  ];
}

async function measure({ machine }: Site): Promise<number[]> {
  const [disk] = machine.disks;
  if (!disk) return [];
  const device = machine.device(disk);
  const took: number[] = [];
  for (let turn = 0; turn < writes; turn++) {
    const begun = performance.now();
    await device.write(turn % 256, {
      offset: (turn * 257 * 64 * KiB) % (128 * MiB),
      bytes: 64 * KiB,
    });
    took.push(performance.now() - begun);
    await delay(pauseMs);
  }
  return took;
}
