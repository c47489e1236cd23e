import { expect, it } from 'vitest';
import { queryAbilities } from '../../../capture/abilities.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import type { Tier } from '../../../model/choices.ts';
import { findReceivers } from '../../../qemu/receiver/find-receivers.ts';
import { eventually } from '../../host/eventually.ts';
import { leftovers } from '../rig/leftovers.ts';
import { fill } from '../rig/next.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

for (const tier of ['fleece', 'direct', 'merge', 'grouped'] as const satisfies readonly Tier[])
  it(`with the tier ${tier}, a disk whose target goes away takes all with it, and no change is lost`, async (context) => {
    await using machine = await startQemu({ disks });
    const { version, fleecing, bitmapSync, merging } = await queryAbilities(machine.labQmp);
    const has = { fleece: fleecing, direct: bitmapSync, merge: merging, grouped: !merging };
    context.skip(!has[tier], `QEMU ${version} has not what the tier ${tier} needs`);
    await using rig = await makeRig(machine, { vm: { tier } });
    await fill(rig, 1);
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const run = await new Way(rig).until('startCopy');
    const place = rig.dependencies.paths.vm('vm');
    const [folder, socket] = [place.run, place.targetSocket(1)];
    const receivers = await findReceivers(folder);
    process.kill(receivers.find((one) => one.socket === socket)?.pid ?? NaN, 'SIGKILL');
    await eventually(async () => (await findReceivers(folder)).length < receivers.length);

    // A copy may have been through before. Then its flush fails.
    await expect(run.until('watchCopy')).rejects.toMatchObject({
      name: expect.stringMatching(/^(BlockJobError|GuardLostError|TargetLostError)$/),
    });

    await eventually(() => run.rollback());
    expect(await leftovers(rig)).toEqual([]);
    await machine.device(machine.disk(1)).zero({ offset: 4 * MiB, bytes: MiB });
    // A group that was through has spent what it read.
    const next = new Way(rig);
    const held = await next.toInstant();
    const { kind } = await next.toEnd();
    expect(tier === 'grouped' ? ['full', 'incremental'] : ['incremental']).toContain(kind);
    await expectSame(rig, next.plan, held);
    expect(await leftovers(rig)).toEqual([]);
  });
