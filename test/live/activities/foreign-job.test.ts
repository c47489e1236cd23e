import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planBackup } from '../../../activities/plan-backup.ts';
import { ForeignJobError } from '../../../capture/errors.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { BackupRequest } from '../../../model/request.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import { exactBackup } from './exact-backup.ts';
import { newRun, makeRig } from '../rig/rig.ts';
import { TheirJob } from '../rig/their-job.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const last = { offset: 8 * MiB, bytes: MiB };

/** Somebody's mirror of disk 0, in step with it. */
async function startMirror(machine: Machine): Promise<TheirJob> {
  const { labQmp } = machine;
  const { virtualBytes } = machine.disk(0);
  const filename = join(machine.folder, 'mirror.qcow2');
  await createImage({ path: filename, virtualBytes });
  await labQmp.execute('blockdev-add', {
    driver: 'qcow2',
    'node-name': 'mirror',
    file: { driver: 'file', filename },
  });
  const mirror = { device: 'vd0-node', target: 'mirror', sync: 'full' };
  const job = await TheirJob.start(machine, 'blockdev-mirror', mirror);
  await job.isReady();
  return job;
}

describe('somebody’s mirror of a disk', () => {
  it('is left alone: a backup beside it is refused, and the guest loses no write', async () => {
    await using machine = await startQemu({ disks: [{ virtualBytes: 16 * MiB }] });
    await using rig = await makeRig(machine);
    const disk = machine.disk(0);
    await machine.device(disk).write(1, { offset: 0, bytes: MiB });
    const mirror = await startMirror(machine);

    const request = BackupRequest.parse({ vm: 'vm' });
    const { signal } = new AbortController();
    await expect(planBackup(rig.dependencies, { request, ...newRun() }, signal)).rejects.toThrow(
      ForeignJobError,
    );

    await machine.device(disk).write(7, last);
    await mirror.complete();
    expect(await machine.device(disk).holds(7, last)).toBe(true);
    expect(await exactBackup(rig)).toEqual(['vd0 full: first-backup']);
  });

  it('that begins after the plan is left alone as well', async () => {
    await using machine = await startQemu({ disks: [{ virtualBytes: 16 * MiB }] });
    await using rig = await makeRig(machine);
    const run = await new Way(rig).until('prepareTargets');
    const mirror = await startMirror(machine);

    await expect(run.until('takeInstant')).rejects.toThrow(ForeignJobError);
    await run.rollback();

    await machine.device(machine.disk(0)).write(7, last);
    await mirror.complete();
    expect(await machine.device(machine.disk(0)).holds(7, last)).toBe(true);
  });
});
