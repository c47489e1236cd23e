import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { queryAbilities } from '../../../capture/abilities.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { needKeptBitmaps } from '../rig/need.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { commitSnapshot, takeSnapshot } from '../rig/snapshots.ts';
import { whileOff, writeToAll } from './changes.ts';
import { exactBackup } from './exact-backup.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 16 * MiB }, { virtualBytes: 12 * MiB }];
const goOn = ['vd0', 'vd1'].map((device) => `${device} incremental: changes-since-parent`);

/** Two backups, and changes after them that only the bitmaps know of. */
async function backedUp(machine: Machine): Promise<Rig> {
  const rig = await makeRig(machine);
  for (const round of [0, 1]) {
    await writeToAll(machine, round);
    await exactBackup(rig);
  }
  await writeToAll(machine, 2);
  return rig;
}

describe('somebody’s external snapshot', () => {
  it('is followed: the next backup copies the changes', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await backedUp(machine);

    await takeSnapshot(machine);

    await writeToAll(machine, 3);
    // Where what lies under an overlay is not trusted, that disk alone goes full; which reason, the block graph tells from 4.0 on.
    const { keepsBitmaps } = await queryAbilities(machine.labQmp);
    const vd0 = keepsBitmaps ? goOn[0] : /^vd0 full: (no-tracking|tracking-under-snapshot)$/;
    expect(await exactBackup(rig)).toEqual([expect.stringMatching(vd0 ?? ''), goOn[1]]);
    await writeToAll(machine, 4);
    expect(await exactBackup(rig)).toEqual(goOn);
  });

  it('costs nothing when it is committed before the next backup', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await backedUp(machine);
    await takeSnapshot(machine);
    await writeToAll(machine, 3);
    await machine.device(machine.disk(0)).zero({ offset: MiB, bytes: MiB });

    await commitSnapshot(machine);

    await writeToAll(machine, 4);
    expect(await exactBackup(rig)).toEqual(goOn);
    await writeToAll(machine, 5);
    expect(await exactBackup(rig)).toEqual(goOn);
  });

  it('that is committed after a backup leads back to the backups before it', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await backedUp(machine);
    await takeSnapshot(machine);
    await writeToAll(machine, 3);
    await exactBackup(rig);
    await writeToAll(machine, 4);

    await commitSnapshot(machine);

    await writeToAll(machine, 5);
    expect(await exactBackup(rig)).toEqual(goOn);
    await writeToAll(machine, 6);
    expect(await exactBackup(rig)).toEqual(goOn);
  });

  it('costs nothing when it is committed by a tool while the VM is off', async (context) => {
    await using machine = await startQemu({ disks });
    await needKeptBitmaps(context, machine);
    await using rig = await backedUp(machine);
    const overlay = await takeSnapshot(machine);
    await writeToAll(machine, 3);

    await whileOff(machine, async () => {
      await execa('qemu-img', ['commit', overlay]);
    });

    await writeToAll(machine, 4);
    expect(await exactBackup(rig)).toEqual(goOn);
    await writeToAll(machine, 5);
    expect(await exactBackup(rig)).toEqual(goOn);
  });
});
