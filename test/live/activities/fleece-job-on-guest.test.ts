import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { startQemu } from '../../../lab/start-qemu.ts';
import { wasLeftClean } from '../rig/left-clean.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needJobFleecing } from '../rig/need.ts';
import { publishedFile } from '../rig/oracle.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const vm = { shield: 'fleece', tier: 'fleece-job', quiesce: 'required' } as const;

/** What the file system of a published disk is like: whether it was frozen, whether it is whole, and what a file in it holds. */
async function lookInto(rig: Rig, backupId: string, device: string) {
  const raw = join(rig.folder, `${device}.raw`);
  await execa('qemu-img', ['convert', '-O', 'raw', publishedFile(rig, backupId, device), raw]);
  const look = async (tool: string, ...args: string[]) => execa(tool, args, { reject: false });
  return {
    frozen: await wasLeftClean(raw),
    whole: (await look('e2fsck', '-fn', raw)).exitCode === 0,
    known: (await look('debugfs', '-R', 'cat /known', raw)).stdout,
  };
}

it('the shield of a job keeps what a quiesced guest goes on to overwrite', async (context) => {
  const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];
  await using machine = await startQemu({ disks, guest: { workload: true } });
  await needJobFleecing(context, machine);
  await using rig = await makeRig(machine, { vm });

  for (const kind of ['full', 'incremental'] as const) {
    await machine.guest.run(`for d in /mnt/sp-vd*; do echo ${kind} >$d/known; done; sync`);
    const run = await new Way(rig).until('startCopy');
    await machine.guest.run(
      'for d in /mnt/sp-vd*; do echo later >$d/known; dd if=/dev/urandom of=$d/after bs=1M count=8; done; sync',
    );

    expect(await run.toEnd()).toMatchObject({ kind });
    for (const device of ['vd0', 'vd1'])
      expect(await lookInto(rig, run.plan.backupId, device)).toEqual({
        frozen: true,
        whole: true,
        known: kind,
      });
    expect(await leftovers(rig)).toEqual([]);
  }
});
