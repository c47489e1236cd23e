import { describe, expect, it } from 'vitest';
import { queryAbilities } from '../../../capture/abilities.ts';
import { attachments } from '../../../lab/attachments.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { needIothreads } from '../rig/need.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;

/** The disk under test, and a usual one beside it: every backup is of two disks at one instant. */
const otherDisk = { virtualBytes: 48 * MiB };

describe('backup of a disk attached as', () => {
  for (const attachment of attachments)
    it(`${attachment.title}: full and incremental are bit-exact`, async (context) => {
      await using machine = await startQemu({
        disks: [{ attachment, virtualBytes: 64 * MiB }, otherDisk],
      });
      await needIothreads(context, machine);
      await using rig = await makeRig(machine);
      const [disk, other] = [machine.device(machine.disk(0)), machine.device(machine.disk(1))];
      await disk.write(1, { offset: 0, bytes: 4 * MiB });
      await other.write(2, { offset: MiB, bytes: 2 * MiB });

      const full = new Way(rig);
      const heldAtFull = await full.toInstant();
      await disk.write(9, { offset: 0, bytes: MiB });
      await disk.zero({ offset: 2 * MiB, bytes: MiB });
      const first = await full.toEnd();

      await other.zero({ offset: MiB, bytes: MiB });
      const incremental = new Way(rig);
      const heldAtIncremental = await incremental.toInstant();
      await disk.write(7, { offset: 3 * MiB, bytes: 65_536 });
      const second = await incremental.toEnd();

      expect([first.kind, second.kind]).toEqual(['full', 'incremental']);
      await expectSame(rig, full.plan, heldAtFull);
      await expectSame(rig, incremental.plan, heldAtIncremental);
    });
});

it('a disk on an iothread is refused where its backup would hang QEMU', async (context) => {
  const iothread = attachments.filter((attachment) => attachment.iothread).slice(0, 1);
  await using machine = await startQemu({ disks: iothread.map((attachment) => ({ attachment })) });
  const { version, hangsOnIothread } = await queryAbilities(machine.labQmp);
  context.skip(!hangsOnIothread, `QEMU ${version} does not hang with disks on iothreads`);
  await using rig = await makeRig(machine);

  await expect(new Way(rig).until('planBackup')).rejects.toMatchObject({
    name: 'UnsupportedQemuError',
    message: expect.stringMatching(/the VM has iothreads/),
  });
});
