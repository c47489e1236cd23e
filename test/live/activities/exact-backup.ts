import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { compare } from '../../../lab/compare.ts';
import { DeviceIo } from '../../../lab/device-io.ts';
import type { Machine } from '../../../lab/machine.ts';
import { QemuIo } from '../../../lab/qemu-io.ts';
import { Manifest } from '../../../model/manifest.ts';
import { leftovers } from '../rig/leftovers.ts';
import type { Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

/**
 * Takes a backup of a machine whose guest does not write, and holds each of its disks, byte by byte, against what the
 * device read at the instant. Says what the manifest says: `vd0 full: no-tracking`.
 */
export async function exactBackup(
  rig: Rig,
  request: ConstructorParameters<typeof Way>[1] = {},
): Promise<string[]> {
  const run = new Way(rig, request);
  const disks = await disksNow(rig.machine);
  await run.until('thawGuest');
  const { backupId, vm } = run.plan;
  const held = new Map<string, string>();
  for (const { node, ...disk } of disks)
    held.set(node, await copyNow(rig, disk, join(rig.folder, `${backupId}-${node}.raw`)));
  await run.toEnd();

  const folder = join(rig.repositoryFolder, vm, backupId);
  const { disks: backedUp } = Manifest.parse(
    JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')),
  );
  for (const { node, device, file } of backedUp)
    expect([device, await compare(join(folder, file), held.get(node) ?? '')]).toEqual([
      device,
      'identical',
    ]);
  expect(await leftovers(rig)).toEqual([]);
  return backedUp.map(({ device, kind, reason }) => `${device} ${kind}: ${reason}`);
}

type DiskNow = { readonly qdev: string; readonly file: string; readonly format: string };

/** The disks as QEMU has them now, whatever it was started with. */
async function disksNow({ labQmp }: Machine): Promise<(DiskNow & { node: string })[]> {
  return (await labQmp.execute('query-block', {})).flatMap(({ inserted, qdev }) =>
    inserted && qdev !== undefined
      ? [
          {
            qdev,
            node: inserted['node-name'] ?? '',
            file: pathOf(inserted.file),
            format: inserted.drv,
          },
        ]
      : [],
  );
}

/** Of an overlay QEMU 3.1 tells how it was added: without a backing file, which it has since been given. */
function pathOf(file: string): string {
  if (!file.startsWith('json:')) return file;
  return (JSON.parse(file.slice('json:'.length)) as { file: { filename: string } }).file.filename;
}

async function copyNow({ machine }: Rig, disk: DiskNow, copy: string): Promise<string> {
  const { qdev, file, format } = disk;
  await new DeviceIo(new QemuIo(machine.labQmp, join(machine.folder, 'qemu.log')), qdev).flush();
  await execa('qemu-img', ['convert', '-U', '-f', format, '-O', 'raw', file, copy]);
  return copy;
}
