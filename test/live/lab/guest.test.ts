import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { AgentClient } from '../../../qemu/qga/client.ts';

describe('a booted guest', () => {
  let machine: Machine;
  const signal = AbortSignal.timeout(150_000);
  const counter = () => machine.guest.run('cat /mnt/sp-vd0/counter').then(Number);

  beforeAll(async () => {
    machine = await startQemu({ disks: [{}, {}], guest: { workload: true } });
  });
  afterAll(() => machine?.[Symbol.asyncDispose]());

  it('has a live agent and every disk mounted', async () => {
    await using agent = await AgentClient.connect(machine.agentSocket ?? '', signal);
    expect(await agent.freezeStatus(5_000)).toBe('thawed');
    const mounts = await machine.guest.run('cat /proc/mounts');
    expect(mounts).toContain(' /mnt/sp-vd0 ext4 rw');
    expect(mounts).toContain(' /mnt/sp-vd1 ext4 rw');
  });

  it('tells a failed command from one that went well', async () => {
    await expect(machine.guest.run('echo no >&2; exit 3')).rejects.toMatchObject({
      name: 'GuestCommandError',
      exitCode: 3,
    });
  });

  it('writes to its disks all the time under the workload', async () => {
    const before = await counter();
    await expect.poll(counter, { timeout: 60_000 }).toBeGreaterThan(before + 2);
  });

  it('writes nothing while its file systems are frozen, and goes on after the thaw', async () => {
    await using agent = await AgentClient.connect(machine.agentSocket ?? '', signal);
    expect(await agent.freeze(30_000)).toBe(2);
    let written = false;
    const write = machine.guest
      .run('echo x > /mnt/sp-vd0/probe', { timeoutMs: 60_000 })
      .then(() => (written = true));
    const before = await counter();
    await machine.guest.run('sleep 1');
    expect(await counter()).toBe(before);
    expect(written).toBe(false);
    await agent.thaw(30_000);
    await write;
    await expect.poll(counter, { timeout: 60_000 }).toBeGreaterThan(before);
  });

  it('finds what it wrote after a power cut', async () => {
    await machine.guest.run('echo kept > /mnt/sp-vd1/kept; sync');
    await machine.restart();
    expect(await machine.guest.run('cat /mnt/sp-vd1/kept')).toBe('kept');
  });
});
