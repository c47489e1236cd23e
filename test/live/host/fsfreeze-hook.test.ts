import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { build, type Built } from '../../host/built.ts';
import { GuardedMachine } from './guarded-machine.ts';

const freezeMs = 30_000;

let built: Built;
let machine: Machine;
beforeAll(async () => {
  built = await build('test/host/taker.ts');
  machine = await startQemu({ guest: {} });
  await restartAgentWithHook();
});
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
  await built?.[Symbol.asyncDispose]();
});

/** The agent with `-F`, as a distribution starts it. The hook notes what it is called with, and fails at what /fails holds. */
async function restartAgentWithHook(): Promise<void> {
  const lines = ['#!/bin/sh', 'echo "$1" >>/called', '[ "$1" != "$(cat /fails 2>/dev/null)" ]'];
  await machine.guest.run(
    [
      ...lines.map((line, at) => `echo '${line}' >${at === 0 ? '' : '>'}/hook`),
      'chmod +x /hook',
      "port=$(tr '\\0' '\\n' <\"/proc/$(pidof qemu-ga)/cmdline\" | grep -A1 -x -e --path | tail -1)",
      'kill $(pidof qemu-ga)',
      'while pidof qemu-ga; do usleep 50000; done',
      '(qemu-ga --method virtio-serial --path "$port" --statedir /run --pidfile /run/qemu-ga.pid -F/hook >/dev/null 2>&1 &)',
    ].join('; '),
  );
}

async function called(): Promise<string[]> {
  const lines = await machine.guest.run('cat /called; rm /called');
  return lines.split('\n');
}

describe('a hook in the guest', () => {
  it('runs before the freeze and after the thaw', async () => {
    await using vm = await GuardedMachine.make(machine);
    const guard = await vm.startGuard(built.guardCommand);

    expect(await guard.freeze(freezeMs)).toMatchObject({ frozen: true });
    const { held, trouble } = await guard.thaw(freezeMs);

    expect({ held, trouble }).toEqual({ held: false, trouble: undefined });
    expect((await called()).slice(0, 2)).toEqual(['freeze', 'thaw']);
    expect(await vm.canWrite()).toBe(true);
  });

  it('runs for a list of mount points too', async () => {
    await using vm = await GuardedMachine.make(machine);
    const guard = await vm.startGuard(built.guardCommand, { freezeMountpoints: ['/mnt/sp-vd0'] });

    expect(await guard.freeze(freezeMs)).toMatchObject({ frozen: true });
    await guard.thaw(freezeMs);

    expect((await called())[0]).toBe('freeze');
  });

  it('that fails at the freeze keeps the guest from being frozen, and is told', async () => {
    await using vm = await GuardedMachine.make(machine);
    await machine.guest.run('echo freeze >/fails');
    const guard = await vm.startGuard(built.guardCommand);

    const freeze = await guard.freeze(freezeMs);
    await machine.guest.run('rm /fails');
    await guard.thaw(freezeMs);

    expect(freeze.frozen).toBe(false);
    expect(freeze.trouble).toMatch(/hook/);
    expect(await called()).toContain('thaw');
    expect(await vm.canWrite()).toBe(true);
  });

  it('that fails at the thaw is told, and the guest is thawed all the same', async () => {
    await using vm = await GuardedMachine.make(machine);
    await machine.guest.run('echo thaw >/fails');
    const guard = await vm.startGuard(built.guardCommand);
    await guard.freeze(freezeMs);
    await guard.arm();
    await guard.taken();

    const { held, trouble } = await guard.thaw(freezeMs);
    await machine.guest.run('rm /fails /called');

    expect(held).toBe(false);
    expect(trouble).toMatch(/hook/);
    expect(await vm.canWrite()).toBe(true);
  });
});
