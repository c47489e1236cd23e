import { expect, it } from 'vitest';
import { attachments } from '../../../lab/attachments.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { needIothreads } from '../rig/need.ts';
import { makeRig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;

// QEMU 7.2 dies when a filter, or what looks behind one, is added while a request is under way on an iothread.
it('a guest that writes through an iothread all the time lives through every step of its backups', async (context) => {
  const attachment = attachments.find(
    ({ device, iothread }) => device === 'virtio-blk' && iothread,
  );
  await using machine = await startQemu({
    disks: [{ virtualBytes: 16 * MiB, ...(attachment && { attachment }) }],
  });
  await needIothreads(context, machine);
  await using rig = await makeRig(machine);
  // The firmware's driver starts the iothread.
  await machine.labQmp.execute('cont', {});
  const device = machine.device(machine.disk());
  let writes = 0;
  const over = new AbortController();
  const writing = (async () => {
    for (; !over.signal.aborted; writes++)
      await device.zero({ offset: (writes % 200) * 65_536, bytes: 65_536 });
  })();

  const kinds: string[] = [];
  for (let run = 0; run < 4; run++) kinds.push((await new Way(rig).toEnd()).kind);

  over.abort();
  await writing;
  expect(kinds).toEqual(['full', 'incremental', 'incremental', 'incremental']);
  expect(machine.alive).toBe(true);
});
