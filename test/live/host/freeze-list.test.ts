import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { build, type Built } from '../../host/built.ts';
import { eventually } from '../../host/eventually.ts';
import { GuardedMachine } from './guarded-machine.ts';

const MiB = 1024 ** 2;
const freezeMs = 30_000;
const [first, second] = ['/mnt/sp-vd0', '/mnt/sp-vd1'] as const;

let built: Built;
let machine: Machine;
beforeAll(async () => {
  built = await build('test/host/taker.ts');
  const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];
  machine = await startQemu({ disks, guest: {} });
});
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
  await built?.[Symbol.asyncDispose]();
});

/** Whether a write in the guest comes to its end while another one, to `elsewhere`, does. */
async function isFrozen(folder: string, elsewhere: string): Promise<boolean> {
  let written = false;
  const write = machine.guest
    .run(`date >${folder}/probe`, { timeoutMs: 120_000 })
    .then(() => (written = true));
  waiting.push(write);
  // Either it has ended, or a process in the guest waits for its disk.
  await eventually(
    async () =>
      written ||
      (await machine.guest.run("grep -ls '^State:.D' /proc/[0-9]*/status || true")) !== '',
  );
  await machine.guest.run(`date >${elsewhere}/probe`);
  return !written;
}
const waiting: Promise<unknown>[] = [];

describe('a guard that is to freeze some mount points of a booted guest', () => {
  beforeEach(() => void (waiting.length = 0));

  it('freezes those, and lets the others be written', async () => {
    await using vm = await GuardedMachine.make(machine);
    const guard = await vm.startGuard(built.guardCommand, { freezeMountpoints: [second] });

    const freeze = await guard.freeze(freezeMs);

    expect(freeze).toMatchObject({ frozen: true, filesystems: 1, asked: [second] });
    expect(freeze.known?.toSorted()).toEqual([first, second]);
    expect(freeze.shortfall).toBeUndefined();
    expect(await isFrozen(second, first)).toBe(true);
    expect(await guard.thaw(freezeMs)).toMatchObject({ frozenMs: expect.any(Number) });
    await Promise.all(waiting);
  });

  it('names the one that is not there, with the other frozen', async () => {
    await using vm = await GuardedMachine.make(machine);
    const freezeMountpoints = [first, '/mnt/nowhere'];
    const guard = await vm.startGuard(built.guardCommand, { freezeMountpoints });

    const freeze = await guard.freeze(freezeMs);

    expect(freeze).toMatchObject({ frozen: true, filesystems: 1 });
    expect(freeze.shortfall).toMatch('/mnt/nowhere');
    await guard.thaw(freezeMs);
    expect(await vm.canWrite()).toBe(true);
  });

  it('counts one that is mounted twice as one', async () => {
    await using vm = await GuardedMachine.make(machine);
    await machine.guest.run(`mkdir -p /mnt/again && mount -o bind ${first} /mnt/again`);
    const freezeMountpoints = [first, '/mnt/again'];
    const guard = await vm.startGuard(built.guardCommand, { freezeMountpoints });

    const freeze = await guard.freeze(freezeMs);
    await guard.thaw(freezeMs);
    await machine.guest.run('umount /mnt/again');

    expect(freeze).toMatchObject({ frozen: true, filesystems: 1 });
    expect(freeze.shortfall).toBeUndefined();
  });

  it('calls nothing frozen when one of them was frozen in the guest before, and leaves it so', async () => {
    await using vm = await GuardedMachine.make(machine);
    await machine.guest.run(`fsfreeze --freeze ${second}`);
    const guard = await vm.startGuard(built.guardCommand, { freezeMountpoints: [second] });

    const freeze = await guard.freeze(freezeMs);
    await guard.thaw(freezeMs);

    expect(freeze).toMatchObject({
      frozen: false,
      trouble: expect.stringMatching('no file system'),
    });
    await machine.guest.run(`fsfreeze --unfreeze ${second} || true`);
  });
});
