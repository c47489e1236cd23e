import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentClient } from '../../../qemu/qga/client.ts';
import { tellFileSystem } from './fs-ioctl.ts';
import { GuestWorld } from './guest-world.ts';

const soon = () => AbortSignal.timeout(20_000);
const answerMs = 10_000;

let world: GuestWorld;
beforeAll(async () => {
  world = await GuestWorld.make();
});
afterAll(async () => world?.[Symbol.asyncDispose]());

/** The guest's agent, past the product's way to it: as another tool would hold it, for one question. */
async function asAnother<T>(ask: (agent: AgentClient) => Promise<T>): Promise<T> {
  await using agent = await AgentClient.connect(world.relay.socket, soon());
  return await ask(agent);
}

const freezeState = async () => asAnother((agent) => agent.freezeStatus(answerMs));

describe('a guest that somebody else has frozen by its agent', () => {
  beforeAll(async () => asAnother((agent) => agent.freeze(answerMs)));
  afterAll(async () => {
    await asAnother((agent) => agent.thaw(answerMs));
    await world.guestWrites();
  });

  it('is not backed up when it has to be quiesced, and stays frozen', async () => {
    const run = await world.ready({ quiesce: 'required' });

    expect(await world.finish(run)).toEqual({ failure: 'FreezeFailedError' });

    expect(await freezeState()).toBe('frozen');
    expect(await world.leftovers()).toEqual([]);
  });

  it('is backed up as crash-consistent when it may be, and stays frozen', async () => {
    const run = await world.ready({ quiesce: 'preferred' });

    expect(await world.finish(run)).toEqual({
      consistency: 'crash',
      trouble: 'vm: not frozen: the guest is frozen already, by somebody else',
    });

    expect(await freezeState()).toBe('frozen');
    expect(await world.differing(run)).toEqual([]);
    expect(await world.leftovers()).toEqual([]);
  });
});

describe('a file system that somebody else has frozen past the agent', () => {
  // QEMU's agent takes no notice of it when it freezes, and thaws everything: nothing of that can be told beforehand.
  it('is thawed with the others, for that is what the agent’s thaw does', async () => {
    await tellFileSystem(world.machine.guest, 'freeze', '/mnt/sp-vd1');
    const run = await world.ready({ quiesce: 'required' });

    expect(await world.finish(run)).toEqual({ consistency: 'filesystem' });

    expect(run.freeze).toMatchObject({ filesystems: 1 });
    await world.guestWrites();
    await expect(tellFileSystem(world.machine.guest, 'thaw', '/mnt/sp-vd1')).rejects.toMatchObject({
      name: 'GuestCommandError',
      exitCode: 22,
    });
    expect(await world.leftovers()).toEqual([]);
  });
});

describe('a guest one of whose file systems cannot be frozen', () => {
  // The agent freezes from the last mounted to the first. One whose folder another mount hides cannot be opened.
  beforeAll(async () => {
    const commands = [
      'umount /mnt/sp-vd0 /mnt/sp-vd1',
      'mkdir -p /mnt/under/sp-vd0',
      'mount -t ext4 /dev/vda /mnt/under/sp-vd0',
      'mount -t ext4 /dev/vdb /mnt/sp-vd1',
      'mount -t tmpfs none /mnt/under',
    ];
    await world.machine.guest.run(commands.join(' && '));
  });
  afterAll(async () => {
    const commands = [
      'umount /mnt/under',
      'umount /mnt/under/sp-vd0',
      'mount -t ext4 /dev/vda /mnt/sp-vd0',
    ];
    await world.machine.guest.run(commands.join(' && '));
  });

  const writes = async () =>
    world.machine.guest.run('date >/mnt/sp-vd1/probe; sync', { timeoutMs: 20_000 });

  it('is not backed up when it has to be quiesced, and nothing of it stays frozen', async () => {
    const run = await world.ready({ quiesce: 'required' });

    expect(await world.finish(run)).toEqual({ failure: 'FreezeFailedError' });

    expect(await freezeState()).toBe('thawed');
    await writes();
    expect(await world.leftovers()).toEqual([]);
  });

  it('is backed up as crash-consistent when it may be, with the agent’s words, and nothing of it stays frozen', async () => {
    const run = await world.ready({ quiesce: 'preferred' });

    expect(await world.finish(run)).toEqual({
      consistency: 'crash',
      trouble: expect.stringContaining('/mnt/under/sp-vd0'),
    });

    expect(await freezeState()).toBe('thawed');
    await writes();
    expect(await world.differing(run)).toEqual([]);
    expect(await world.leftovers()).toEqual([]);
  });
});
