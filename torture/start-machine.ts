import { attachments } from '../lab/attachments.ts';
import type { Machine } from '../lab/machine.ts';
import { versionOfQemu } from '../lab/qemu-version.ts';
import { startQemu } from '../lab/start-qemu.ts';
import { sizeOf } from './disk.ts';
import { first } from './hot-plug.ts';
import type { DiskMake } from './story.ts';

/** Starts a QEMU without a guest, with empty disks as a story has them. */
export async function startMachine(makes: readonly DiskMake[]): Promise<Machine> {
  const { major, minor } = await versionOfQemu(['qemu-system-x86_64']);
  // Below 7.2 the product refuses a VM that has iothreads.
  const ways = attachments.filter(
    ({ iothread }) => !iothread || major > 7 || (major === 7 && minor >= 2),
  );
  const disks = makes.map(({ attachment, format, size }, index) => {
    const chosen = index === 0 ? first : ways[attachment % ways.length];
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
