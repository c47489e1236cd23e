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
import { jobIs } from '../rig/snapshots.ts';
import { sendRaw } from '../rig/send-raw.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const last = { offset: 8 * MiB, bytes: MiB };

/** Somebody's mirror of disk 0, in step with it. */
async function startMirror(machine: Machine): Promise<void> {
  const { labQmp } = machine;
  const { virtualBytes } = machine.disk(0);
  const filename = join(machine.folder, 'mirror.qcow2');
  await createImage({ path: filename, virtualBytes });
  await labQmp.execute('blockdev-add', {
    driver: 'qcow2',
    'node-name': 'mirror',
    file: { driver: 'file', filename },
  });
  const job = { 'job-id': 'theirs', device: 'vd0-node', target: 'mirror', sync: 'full' };
  await sendRaw(machine, 'blockdev-mirror', { ...job, 'auto-dismiss': false });
  await jobIs(machine, 'ready');
}

async function endMirror(machine: Machine): Promise<void> {
  await machine.labQmp.execute('job-complete', { id: 'theirs' });
  await jobIs(machine, 'concluded');
  await machine.labQmp.execute('job-dismiss', { id: 'theirs' });
}

describe('somebody’s mirror of a disk', () => {
  it('is left alone: a backup beside it is refused, and the guest loses no write', async () => {
    await using machine = await startQemu({ disks: [{ virtualBytes: 16 * MiB }] });
    await using rig = await makeRig(machine);
    const disk = machine.disk(0);
    await machine.device(disk).write(1, { offset: 0, bytes: MiB });
    await startMirror(machine);

    const request = BackupRequest.parse({ vm: 'vm' });
    const { signal } = new AbortController();
    await expect(planBackup(rig.dependencies, { request, ...newRun() }, signal)).rejects.toThrow(
      ForeignJobError,
    );

    await machine.device(disk).write(7, last);
    await endMirror(machine);
    expect(await machine.device(disk).holds(7, last)).toBe(true);
    expect(await exactBackup(rig)).toEqual(['vd0 full: first-backup']);
  });

  it('that begins after the plan is left alone as well', async () => {
    await using machine = await startQemu({ disks: [{ virtualBytes: 16 * MiB }] });
    await using rig = await makeRig(machine);
    const run = await new Way(rig).until('prepareTargets');
    await startMirror(machine);

    await expect(run.until('takeInstant')).rejects.toThrow(ForeignJobError);
    await run.rollback();

    await machine.device(machine.disk(0)).write(7, last);
    await endMirror(machine);
    expect(await machine.device(machine.disk(0)).holds(7, last)).toBe(true);
  });
});
