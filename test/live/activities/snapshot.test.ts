import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { compare } from '../../../lab/compare.ts';
import { copyOfDisk } from '../../../lab/copy-of-disk.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needOverlays } from '../rig/need.ts';
import { makeRig } from '../rig/rig.ts';
import { SnapshotWay, snapshotSteps } from '../rig/snapshot-way.ts';
import { streamSnapshot } from '../rig/snapshots.ts';
import { sweep } from '../rig/sweep.ts';
import { TheirJob } from '../rig/their-job.ts';
import { segmentNames, writeToAll } from './changes.ts';
import { startCuttingTap } from './cutting-tap.ts';
import { exactBackup } from './exact-backup.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 16 * MiB }, { virtualBytes: 12 * MiB, format: 'raw' as const }];
const goOn = ['vd0', 'vd1'].map((device) => `${device} incremental: changes-since-parent`);

/** The overlays in the machine's folder. */
async function overlays({ folder }: Machine): Promise<string[]> {
  return (await readdir(folder)).filter((name) => /Z-[0-9a-f]{4}\.qcow2$/.test(name)).toSorted();
}

describe('a snapshot', () => {
  it(
    'holds one instant, and backups before, between and after are incremental and exact',
    { timeout: 400_000 },
    async (context) => {
      await using machine = await startQemu({ disks });
      await needOverlays(context, machine);
      await using rig = await makeRig(machine);
      await writeToAll(machine, 0);
      await exactBackup(rig);
      await writeToAll(machine, 1);
      const held = [
        await copyOfDisk(machine, machine.disk(0)),
        await copyOfDisk(machine, machine.disk(1)),
      ];

      const first = await new SnapshotWay(rig).toEnd();

      await writeToAll(machine, 2);
      expect(first).toMatchObject({ taken: true, troubles: [] });
      for (const [index, { base, overlay }] of first.disks.entries()) {
        expect(base).toBe(machine.disk(index).path);
        expect(overlay.startsWith(`${base}.2026`)).toBe(true);
        expect(await compare(base, held[index] ?? '')).toBe('identical');
      }
      expect(await leftovers(rig)).toEqual([]);
      expect(await exactBackup(rig)).toEqual(goOn);
      await writeToAll(machine, 3);
      const second = await new SnapshotWay(rig).toEnd();
      expect(second.disks[0]?.base).toBe(first.disks[0]?.overlay);
      await writeToAll(machine, 4);
      await machine.device(machine.disk(0)).zero({ offset: 0, bytes: MiB });
      expect(await exactBackup(rig, { kind: 'differential' })).toEqual(
        ['vd0', 'vd1'].map((device) => `${device} differential: changes-since-chosen`),
      );
      await writeToAll(machine, 5);
      expect(await exactBackup(rig)).toEqual(goOn);
    },
  );

  it(
    'is committed or streamed by hand, and the next backup is incremental and exact',
    { timeout: 400_000 },
    async (context) => {
      await using machine = await startQemu({ disks });
      await needOverlays(context, machine);
      await using rig = await makeRig(machine);
      await writeToAll(machine, 0);
      await exactBackup(rig);
      const way = new SnapshotWay(rig);
      await way.toEnd();
      const nodes = [0, 1].map((index) => `snap-${way.run.backupId}-0${index}`);
      await writeToAll(machine, 1);
      await exactBackup(rig);
      await writeToAll(machine, 2);

      await (await TheirJob.start(machine, 'block-commit', { device: nodes[0] })).complete();
      await streamSnapshot(machine, nodes[1]);

      await writeToAll(machine, 3);
      expect(await exactBackup(rig)).toEqual(goOn);
      await writeToAll(machine, 4);
      expect(await exactBackup(rig)).toEqual(goOn);
      expect(await segmentNames(machine, 'vd0-node')).toHaveLength(3);
    },
  );

  for (const last of snapshotSteps)
    it(`whose worker died after ${last} is there whole, or not at all`, async (context) => {
      await using machine = await startQemu({ disks });
      await needOverlays(context, machine);
      await using rig = await makeRig(machine);
      await exactBackup(rig);
      await writeToAll(machine, 1);
      const way = await new SnapshotWay(rig).until(last);

      await sweep(rig);

      const taken = ['takeSnapshot', 'thawGuest'].includes(last);
      expect(await leftovers(rig)).toEqual([]);
      expect(await overlays(machine)).toHaveLength(taken ? 2 : 0);
      expect(await way.settle()).toMatchObject({ taken, troubles: [] });
      await writeToAll(machine, 2);
      expect(await exactBackup(rig)).toEqual(goOn);
    });

  it('that is cut off at any command is there whole, or not at all', async (context) => {
    await using machine = await startQemu({ disks });
    await needOverlays(context, machine);
    await using tap = await startCuttingTap(machine);
    await using rig = await makeRig(machine, { vm: { qmp: tap.qmpSocket } });
    await exactBackup(rig);
    const outcomes: boolean[] = [];
    for (let cut = 1; !outcomes.at(-1); cut++) {
      await writeToAll(machine, cut);
      const way = await new SnapshotWay(rig).until('planSnapshot');
      tap.cutAfter(cut);
      await way.until('thawGuest').catch(() => undefined);
      tap.cutAfter(Infinity);

      const { taken } = await way.settle();

      outcomes.push(taken);
      expect(await leftovers(rig)).toEqual([]);
      expect(await overlays(machine)).toHaveLength(taken ? 2 : 0);
    }
    expect(outcomes).toEqual([false, false, true]);
    await writeToAll(machine, 7);
    expect(await exactBackup(rig)).toEqual(goOn);
  });
});
