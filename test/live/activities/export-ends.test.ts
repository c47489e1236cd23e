import { execa } from 'execa';
import { beforeEach, describe, expect, it } from 'vitest';
import { freePorts } from '../../../lab/free-ports.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { watchExport } from '../../../activities/watch-export.ts';
import { makeCertificates } from '../rig/certificates.ts';
import { dirtyExtents, expectServed, readers } from '../rig/consumer.ts';
import { exportSteps, ExportWay } from '../rig/export-way.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needFilter, needShield, needTls } from '../rig/need.ts';
import { makeRig } from '../rig/rig.ts';
import { sweep } from '../rig/sweep.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }];
const { signal } = new AbortController();

describe('an export', { timeout: 600_000 }, () => {
  beforeEach(async (context) => {
    await using machine = await startQemu({ disks });
    await needShield(context, machine, 'fleece');
  });

  it('whose workflow is terminated after any step is swept away, and no change is forgotten', async () => {
    await using machine = await startQemu({ disks });
    await using rig = await makeRig(machine);
    const device = machine.device(machine.disk(0));
    await device.write(1, { offset: 0, bytes: 32 * MiB });
    const first = await new ExportWay(rig).until('startExport');
    await first.complete();
    const changed: { start: number; length: number }[] = [];

    for (const [at, last] of exportSteps.slice(0, -1).entries()) {
      const piece = { offset: 2 * at * MiB, bytes: MiB };
      const way = await new ExportWay(rig).until(last);
      await device.write(2, piece);
      changed.push({ start: piece.offset, length: piece.bytes });

      const { done, troubles } = await sweep(rig);

      expect([last, troubles, done.length]).toEqual([last, [], 1]);
      expect([last, await leftovers(rig)]).toEqual([last, []]);
      expect(way.plan).toMatchObject({ kind: 'incremental', parent: first.plan.backupId });
    }

    const next = new ExportWay(rig);
    const held = await next.toServed();
    expect(await Promise.all(next.served.map(dirtyExtents))).toEqual([changed]);
    await expectServed(next, held);
    await next.complete();
  });

  it('that its scratch broke is taken away by whoever looks after it', async (context) => {
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    await using rig = await makeRig(machine, { vm: { scratchBytes: 4 * MiB } });
    const device = machine.device(machine.disk(0));
    await device.write(1, { offset: 0, bytes: 32 * MiB });
    const way = await new ExportWay(rig).until('startExport');
    const watch = watchExport(rig.dependencies, way.plan, signal);

    await device.write(2, { offset: 0, bytes: 16 * MiB });

    await expect(watch).rejects.toMatchObject({ name: 'SnapshotBrokenError' });
    await expect(readers.nbdcopy(way.served[0]?.uri ?? '', 'null:')).rejects.toThrow('nbdcopy');
    await way.rollback();
    expect(await leftovers(rig)).toEqual([]);
  });

  it('is read over TLS by whoever has a certificate, and by nobody else', async (context) => {
    await using machine = await startQemu({ disks });
    await needTls(context, machine);
    const certificates = await makeCertificates(`${machine.folder}/pki`);
    const [port = 0] = await freePorts(1);
    const exports = { listen: `127.0.0.1:${port}`, tlsCreds: certificates.server };
    await using rig = await makeRig(machine, { vm: { exports } });
    await machine.device(machine.disk(0)).write(1, { offset: 0, bytes: 32 * MiB });
    const way = new ExportWay(rig);
    const held = await way.toServed();
    const [served] = way.served;
    expect(served?.uri).toBe(`nbds://127.0.0.1:${port}/vd0`);

    const uri = `${served?.uri}?tls-certificates=${certificates.client}`;
    await expectServed({ rig, served: way.served.map((disk) => ({ ...disk, uri })) }, held);
    for (const without of [`nbd://127.0.0.1:${port}/vd0`, served?.uri ?? ''])
      expect((await execa('nbdinfo', [without], { reject: false })).exitCode).not.toBe(0);

    await way.complete();
    expect(await leftovers(rig)).toEqual([]);
  });
});
