import { describe, expect, it, type TestContext } from 'vitest';
import { attachments } from '../../../lab/attachments.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { needIothreads } from '../rig/need.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { ExportWay } from '../rig/export-way.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;

// QEMU 7.2 dies when a filter, or what looks behind one, is added while a request is under way on an iothread.
describe('a guest that writes through an iothread all the time', () => {
  it('lives through every step of its backups', async (context) => {
    const kinds: string[] = [];
    await whileItWrites(context, async (rig) => {
      for (let run = 0; run < 4; run++) kinds.push((await new Way(rig).toEnd()).kind);
    });
    expect(kinds).toEqual(['full', 'incremental', 'incremental', 'incremental']);
  });

  it('lives through every step of its exports', async (context) => {
    const kinds: string[] = [];
    await whileItWrites(context, async (rig) => {
      for (let run = 0; run < 4; run++) kinds.push((await new ExportWay(rig).complete()).kind);
    });
    expect(kinds).toEqual(['full', 'incremental', 'incremental', 'incremental']);
  });
});

async function whileItWrites(
  context: TestContext,
  work: (rig: Rig) => Promise<void>,
): Promise<void> {
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
  const over = new AbortController();
  const writing = (async () => {
    for (let writes = 0; !over.signal.aborted; writes++)
      await device.zero({ offset: (writes % 200) * 65_536, bytes: 65_536 });
  })();
  await work(rig);
  over.abort();
  await writing;
  expect(machine.alive).toBe(true);
}
