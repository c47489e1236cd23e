import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { vm, type Stage } from '../../../demo/stage.ts';
import { compare } from '../../../lab/compare.ts';
import type { SnapshotDisk, SnapshotResult } from '../../../model/snapshot.ts';
import { runCli } from '../../client/run-cli.ts';
import { wasLeftClean } from '../rig/left-clean.ts';
import { needOverlays } from '../rig/need.ts';
import { buildStage, guestWrites } from './looking.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await buildStage();
});
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

/** Runs a command line as an operator does. */
async function cli(...argv: string[]): Promise<Record<string, unknown>> {
  const { exitCode, messages } = await runCli([
    ...argv,
    '--json',
    '--config',
    stage.product.config,
  ]);
  const last = messages().at(-1) ?? {};
  expect({ exitCode, ...last }).toMatchObject({ exitCode: 0, type: 'finished' });
  return last;
}

/** Whether the file system in the image below an overlay was left clean. */
async function isClean({ base, device }: SnapshotDisk): Promise<boolean> {
  const raw = join(stage.machine.folder, `${device}-base.raw`);
  await execa('qemu-img', ['convert', '-U', '-O', 'raw', base, raw]);
  return wasLeftClean(raw);
}

it('a snapshot of a guest that writes is frozen, and backups go on over it', async (context) => {
  await needOverlays(context, stage.machine);
  const { labQmp } = stage.machine;
  await cli('backup', vm);

  const { disks, ...taken } = (await cli('snapshot', vm)) as unknown as SnapshotResult;
  await guestWrites(stage);
  // From now on nothing is written, so that the overlays are what the next backup holds.
  await labQmp.execute('stop', {});
  const next = await cli('backup', vm, '--quiesce', 'off');

  expect(taken).toMatchObject({ consistency: 'filesystem', warnings: [] });
  expect(taken.frozenMs).toBeGreaterThan(0);
  expect(disks.map(({ device }) => device)).toEqual(['vd0', 'vd1']);
  expect(await Promise.all(disks.map(isClean))).toEqual([true, true]);
  expect(next).toMatchObject({ kind: 'incremental' });
  const folder = join(stage.product.repository, vm, String(next['backupId']));
  for (const { device, overlay } of disks)
    expect(await compare(join(folder, `${device}.qcow2`), overlay)).toBe('identical');
  await labQmp.execute('cont', {});
  await guestWrites(stage);
});
