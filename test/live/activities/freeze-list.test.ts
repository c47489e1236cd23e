import { describe, expect, it } from 'vitest';
import { thawGuest } from '../../../activities/thaw-guest.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { leftovers } from '../rig/leftovers.ts';
import { makeRig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const { signal } = new AbortController();
const there = '/mnt/sp-vd0';

/** A write in the guest comes to its end. */
async function guestWrites(machine: Machine): Promise<void> {
  await machine.guest.run(`date >${there}/probe; sync`);
}

describe('a backup of a guest of which some mount points are to be frozen', () => {
  it('fails, and names the one that is not there, when the freeze is required', async () => {
    await using machine = await startQemu({ guest: {} });
    await using rig = await makeRig(machine, {
      vm: { freezeMountpoints: [there, '/mnt/nowhere'] },
    });
    const way = new Way(rig, { quiesce: 'required' });

    await expect(way.until('takeInstant')).rejects.toMatchObject({
      name: 'FreezeFailedError',
      message: expect.stringMatching('/mnt/nowhere'),
    });

    await thawGuest(rig.dependencies, way.plan, signal);
    expect(await way.rollback()).toEqual({ troubles: [] });
    await guestWrites(machine);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('goes on, and says so, when it is preferred', async () => {
    await using machine = await startQemu({ guest: {} });
    await using rig = await makeRig(machine, {
      vm: { freezeMountpoints: [there, '/mnt/nowhere'] },
    });
    const way = new Way(rig, { quiesce: 'preferred' });

    await way.toEnd();

    const shortfall = expect.stringMatching('/mnt/nowhere') as string;
    expect(way.freeze).toMatchObject({ frozen: true, filesystems: 1, shortfall });
    await guestWrites(machine);
  });

  it('is content when all of them are', async () => {
    await using machine = await startQemu({ guest: {} });
    await using rig = await makeRig(machine, { vm: { freezeMountpoints: [there] } });
    const way = new Way(rig, { quiesce: 'required' });

    await way.toEnd();

    expect(way.freeze).toMatchObject({ filesystems: 1, asked: [there], known: [there] });
    expect(way.freeze?.shortfall).toBeUndefined();
  });
});
