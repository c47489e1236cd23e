import { describe, expect, it } from 'vitest';
import { attachments } from '../../../lab/attachments.ts';
import { startQemu } from '../../../lab/start-qemu.ts';

const PIECE = { offset: 1024 ** 2, bytes: 65_536 };

describe('attachments', () => {
  for (const attachment of attachments)
    it(`starts with two disks, and each takes writes: ${attachment.title}`, async () => {
      await using machine = await startQemu({ disks: [{ attachment }, { attachment }] });
      for (const [index, disk] of machine.disks.entries()) {
        await machine.device(disk).write(0x41 + index, PIECE);
        await machine.device(disk).zero({ ...PIECE, bytes: 4096 });
        await machine.device(disk).discard({ ...PIECE, bytes: 4096 });
      }
      for (const [index, disk] of machine.disks.entries())
        expect(
          await machine
            .device(disk)
            .holds(0x41 + index, { offset: PIECE.offset + 4096, bytes: 4096 }),
        ).toBe(true);
    });

  for (const device of ['virtio-scsi', 'nvme'] as const)
    it(`boots a guest that mounts its disks: ${device}`, async () => {
      const own = attachments.filter((one) => one.device === device && one.style === 'blockdev');
      await using machine = await startQemu({
        disks: own.map((attachment) => ({ attachment })),
        guest: {},
      });
      const mounted = await machine.guest.run('ls /mnt | wc -l');
      expect(Number(mounted)).toBe(own.length);
    });
});
