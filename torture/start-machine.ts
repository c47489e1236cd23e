import { attachments } from '../lab/attachments.ts';
import type { Machine } from '../lab/machine.ts';
import { startQemu } from '../lab/start-qemu.ts';
import { sizeOf } from './disk.ts';
import { first } from './hot-plug.ts';
import type { DiskMake } from './story.ts';

/** Starts a QEMU without a guest, with empty disks as a story has them. */
export async function startMachine(makes: readonly DiskMake[]): Promise<Machine> {
  const disks = makes.map(({ attachment, format, size }, index) => {
    const chosen = index === 0 ? first : attachments[attachment % attachments.length];
    const virtualBytes = sizeOf(index, size);
    return {
      format,
      virtualBytes,
      content: 'empty' as const,
      ...(chosen && { attachment: chosen }),
    };
  });
  return startQemu({ disks });
}
