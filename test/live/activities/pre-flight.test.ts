import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acquireLock } from '../../../host/lock.ts';
import { withVmMutex } from '../../../host/mutex.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { makeTempFolder } from '../../../lab/temp-folder.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';
import { mountOrSkip } from '../file-system.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needFilter, needMerging } from '../rig/need.ts';
import { makeRig, newRun, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;

/** Refused before the guest is touched: with that error, saying that, and the VM as it was. */
async function expectRefusal(
  rig: Rig,
  { name, says }: { name: string; says: RegExp },
  request: ConstructorParameters<typeof Way>[1] = {},
): Promise<void> {
  const events: string[] = [];
  rig.machine.labQmp.listen(({ event }) => void events.push(event));
  const run = new Way(rig, request);

  await expect(run.until('prepareTargets')).rejects.toMatchObject({
    name,
    message: expect.stringMatching(says),
  });

  await run.rollback();
  expect(await leftovers(rig)).toEqual([]);
  expect(events).not.toContain('STOP');
}

describe('a backup is refused', () => {
  it('when nobody listens on the QMP socket', async () => {
    await using machine = await startQemu();
    const qmp = join(machine.folder, 'none.sock');
    await using rig = await makeRig(machine, { vm: { qmp } });

    await expectRefusal(rig, { name: 'QmpConnectError', says: /none\.sock/ });
  });

  it('when another client holds the QMP socket', async () => {
    await using machine = await startQemu();
    await using rig = await makeRig(machine);
    await using other = await QmpClient.connect(machine.qmpSocket, AbortSignal.timeout(5_000));

    await expect(new Way(rig).until('planBackup')).rejects.toMatchObject({
      name: 'QmpBusyError',
      message: expect.stringMatching(/qmp\.sock.*another client/),
    });
    await expect(other.execute('query-status', {})).resolves.toBeDefined();
  });

  it('when the inventory names no agent and the freeze is required', async () => {
    await using machine = await startQemu();
    await using rig = await makeRig(machine);

    const says = /"required", but the inventory names no agent socket/;
    await expectRefusal(rig, { name: 'FreezeFailedError', says }, { quiesce: 'required' });
  });

  it('when the agent does not answer and the freeze is required', async () => {
    await using machine = await startQemu({ guest: {} });
    await machine.guest.run('kill -STOP $(pidof qemu-ga)');
    await using rig = await makeRig(machine);

    const says = /guest agent on .*qga\.sock does not answer/;
    await expectRefusal(rig, { name: 'FreezeFailedError', says }, { quiesce: 'required' });
  });

  it('when a disk of the inventory is not there', async () => {
    await using machine = await startQemu();
    await using rig = await makeRig(machine, { vm: { disks: ['vd7'] } });

    await expectRefusal(rig, { name: 'NoDiskError', says: /vd7.*\(vd0\)/ });
  });

  it('when the chosen start of a differential is not in the repository', async (context) => {
    await using machine = await startQemu();
    await needMerging(context, machine);
    await using rig = await makeRig(machine);
    const since = '20260101T000000Z-abcd';

    const says = new RegExp(`no backup ${since}`);
    const request = { kind: 'differential', since } as const;
    await expectRefusal(rig, { name: 'BackupNotFoundError', says }, request);
  });

  it('when libvirt manages the VM, unless that is allowed', async () => {
    await using machine = await startQemu();
    await using temp = await makeTempFolder();
    const qmp = await socketOfLibvirt(machine, temp.path);
    await using rig = await makeRig(machine, { vm: { qmp } });
    await using allowed = await makeRig(machine, { vm: { qmp, allowLibvirt: true } });

    await expectRefusal(rig, { name: 'LibvirtManagedError', says: /allowLibvirt: true/ });
    await expect(new Way(allowed).toEnd()).resolves.toMatchObject({ kind: 'full' });
  });

  it('while another backup of the VM runs', async () => {
    await using machine = await startQemu();
    await using rig = await makeRig(machine, { runs: () => true });
    const other = newRun();
    await acquireLock(rig.dependencies.paths, 'vm', other);

    const { signal } = new AbortController();
    // As the other one holds it for as long as it copies: it is not waited for.
    await withVmMutex(rig.dependencies.paths, 'vm', { signal, timeoutMs: 0 }, async () => {
      await expect(new Way(rig).until('planBackup')).rejects.toMatchObject({
        name: 'VmBusyError',
        message: expect.stringContaining(other.backupId),
      });
    });
  });

  it('when the repository has not the room', async (context) => {
    await using files = await mountOrSkip(context, 16);
    await using machine = await startQemu();
    await machine.device(machine.disk()).write(1, { offset: 0, bytes: 32 * MiB });
    await using rig = await makeRig(machine, { on: { repository: files.path } });

    await expectRefusal(rig, { name: 'NoSpaceError', says: /bytes are free and \d+ are needed/ });
  });

  it('when the repository cannot be written to', async (context) => {
    await using files = await mountOrSkip(context);
    await using machine = await startQemu();
    await using rig = await makeRig(machine, { on: { repository: files.path } });
    await new Way(rig).toEnd();
    await files.makeReadOnly();

    await expectRefusal(rig, { name: 'RepositoryAccessError', says: /read-only/i });
  });

  it('when the scratch has not the room', async (context) => {
    await using files = await mountOrSkip(context, 16);
    await using machine = await startQemu();
    await needFilter(context, machine);
    await using rig = await makeRig(machine, { on: { state: files.path } });

    await expectRefusal(rig, { name: 'NoScratchSpaceError', says: /free some, or move `state`/ });
  });
});

/** The machine's socket under a name as libvirt gives it. */
async function socketOfLibvirt(machine: Machine, folder: string): Promise<string> {
  const libvirt = join(folder, 'libvirt', 'qemu');
  await mkdir(libvirt, { recursive: true });
  const link = join(libvirt, 'monitor.sock');
  await symlink(machine.qmpSocket, link);
  return link;
}
