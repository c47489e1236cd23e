import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeVmFolders } from '../../../host/state-paths.ts';
import { connectVm } from '../../../host/vm-socket.ts';
import { endReceivers } from '../../../host/receivers.ts';
import type { Machine } from '../../../lab/machine.ts';
import { nodesOf } from '../../../lab/nodes-of.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { ourName } from '../../../model/names.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import type { QmpClient } from '../../../qemu/qmp/client.ts';
import { findReceivers } from '../../../qemu/receiver/find-receivers.ts';
import { probeReceiver } from '../../../qemu/receiver/probe-receiver.ts';
import { startReceiver } from '../../../qemu/receiver/start-receiver.ts';
import { build, type Built } from '../../host/built.ts';
import { eventually } from '../../host/eventually.ts';
import { hasPatientTargets, needPatientTargets } from '../rig/need.ts';
import { backupId, GuardedMachine } from './guarded-machine.ts';

const soon = () => AbortSignal.timeout(60_000);
const job = ourName(backupId, 0, 'j');
const target = ourName(backupId, 0, 't');
const write = 'dd if=/dev/zero of=/mnt/sp-vd0/written bs=64k count=8 conv=fsync';

let built: Built;
let machine: Machine;
let vm: GuardedMachine;
beforeAll(async () => {
  built = await build();
  machine = await startQemu({ guest: {} });
});
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
  await built?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  vm = await GuardedMachine.make(machine);
  await makeVmFolders(vm.paths, 'vm');
});
afterEach(async () => {
  const { labQmp } = machine;
  try {
    await vm[Symbol.asyncDispose]();
    for (const { id } of await labQmp.execute('query-jobs', {}))
      await labQmp.execute('job-dismiss', { id });
    if (!(await nodesOf(labQmp)).some((node) => node['node-name'] === target)) return;
    const instances = [{ type: 'block-node' as const, 'node-name': target }];
    // QEMU 5.2 has no yank: it waits for a receiver that is gone as long as its node is told to.
    if (labQmp.version.major >= 6) await labQmp.execute('yank', { instances });
    await labQmp.execute('blockdev-del', { 'node-name': target }, { timeoutMs: 40_000 });
  } finally {
    await endReceivers(vm.paths, 'vm');
  }
});

/** A job that holds every write of the guest until the old content is at the target. */
async function copyOnWrite(qmp: QmpClient): Promise<void> {
  await qmp.execute('blockdev-add', {
    driver: 'nbd',
    'node-name': target,
    server: { type: 'unix', path: vm.paths.vm('vm').targetSocket(0) },
    export: 't',
    ...(hasPatientTargets(qmp) && { 'reconnect-delay': 20 }),
  });
  await qmp.execute('blockdev-backup', {
    'job-id': job,
    device: 'vd0-node',
    target,
    sync: 'none',
    // QEMU 3.1 dies of one that lingers, and 2.11 knows none.
    ...(qmp.version.major >= 4 && { 'auto-finalize': false, 'auto-dismiss': false }),
  });
}

/** A guard that has seen its instant taken, and QMP through it. */
async function afterTheInstant() {
  const guard = await vm.startGuard(built.guardCommand, { shield: 'none' });
  await guard.arm();
  const qmp = await connectVm(vm.paths, 'vm', vm.config.qmp, soon());
  await copyOnWrite(qmp);
  expect(await guard.taken()).toEqual({ held: true });
  return { guard, qmp };
}

async function hasJobEnded(): Promise<boolean> {
  const jobs = await machine.labQmp.execute('query-jobs', {});
  return jobs.every(({ id, status }) => id !== job || status === 'concluded');
}

describe('a guard over an unshielded copy', () => {
  it('lets the guest write on when the target is full, and gives the copy up', async () => {
    const socket = vm.paths.vm('vm').targetSocket(0);
    const full = {
      driver: 'blkdebug',
      'inject-error': [{ event: 'none', iotype: 'write', errno: 28, once: false }],
      image: { driver: 'null-co', size: vm.config.disks[0]?.virtualBytes },
    };
    const options = ['-k', socket, '-x', 't', '-e', '2', '--persistent'];
    spawn('qemu-nbd', [...options, `json:${JSON.stringify(full)}`], { stdio: 'ignore' });
    await eventually(async () => probeReceiver(socket, 1_000));
    const { guard, qmp } = await afterTheInstant();
    const events: string[] = [];
    qmp.listen(({ event }) => void events.push(event));

    await machine.guest.run(write, { timeoutMs: 60_000 });

    expect(events).toContain('STOP');
    expect(await vm.runs()).toBe(true);
    expect(await hasJobEnded()).toBe(true);
    expect(await guard.status()).toMatchObject({
      phase: 'taken',
      broken: expect.stringMatching('io-error'),
    });
    qmp.close();
    await guard.end(10_000);
  });

  it('lets the guest write on when the receiver dies, and gives the copy up', async (context) => {
    needPatientTargets(context, machine.labQmp);
    const of = vm.paths.vm('vm');
    const image = join(of.scratch, 'target.qcow2');
    await createImage({ path: image, virtualBytes: vm.config.disks[0]?.virtualBytes ?? 0 });
    const { pid } = await startReceiver({ image, socket: of.targetSocket(0), signal: soon() });
    const { guard, qmp } = await afterTheInstant();

    process.kill(pid, 'SIGKILL');
    await machine.guest.run(write, { timeoutMs: 60_000 });

    await eventually(hasJobEnded);
    expect(await vm.runs()).toBe(true);
    await eventually(async () => /receiver/.test((await guard.status()).broken ?? ''));
    qmp.close();
    await guard.end(10_000);
  });

  it('gives the copy up without a failed write when the taker dies before the instant', async (context) => {
    needPatientTargets(context, machine.labQmp);
    const of = vm.paths.vm('vm');
    const image = join(of.scratch, 'target.qcow2');
    await createImage({ path: image, virtualBytes: vm.config.disks[0]?.virtualBytes ?? 0 });
    const { pid } = await startReceiver({ image, socket: of.targetSocket(0), signal: soon() });
    const guard = await vm.startGuard(built.guardCommand, { shield: 'none' });
    await guard.arm();
    await copyOnWrite(await connectVm(vm.paths, 'vm', vm.config.qmp, soon()));
    // Mute: the job cannot end as long as it waits for an answer.
    process.kill(pid, 'SIGSTOP');
    const writing = machine.guest.run(write, { timeoutMs: 60_000 });
    await eventually(() => vm.aWriteWaits());

    guard.close();

    await writing;
    await eventually(hasJobEnded);
    await eventually(async () => (await findReceivers(of.run)).length === 0);
    expect(await vm.runs()).toBe(true);
    await using later = await vm.guard();
    await later.end(10_000);
  });
});
