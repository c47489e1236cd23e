import { copyFile, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { compare } from '../../../lab/compare.ts';
import type { ServedDisk } from '../../../model/export.ts';
import type { ExportWay } from './export-way.ts';
import type { Oracle } from './oracle.ts';

/** A piece of a disk that has changed. */
type Extent = { readonly start: number; readonly length: number };

/** Programs that know nothing of us, and read the whole of an export into a raw file. */
export const readers = {
  nbdcopy: async (uri: string, file: string) => execa('nbdcopy', [uri, file]),
  'qemu-img': async (uri: string, file: string) =>
    execa('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', uri, file]),
};

/** What has changed, as `nbdinfo` reads the bitmap. */
export async function dirtyExtents({ uri, context }: ServedDisk): Promise<Extent[]> {
  const { stdout } = await execa('nbdinfo', ['--json', `--map=${context}`, uri]);
  const map = JSON.parse(stdout) as { offset: number; length: number; type: number }[];
  return map.flatMap(({ offset, length, type }) => (type === 1 ? [{ start: offset, length }] : []));
}

/** The same as `qemu-img map` reads it: what is dirty looks as if there were no data. */
export async function extentsByQemu({ uri, context }: ServedDisk): Promise<Extent[]> {
  const { pathname, searchParams } = new URL(uri);
  const server = `server.type=unix,server.path=${searchParams.get('socket')}`;
  const image = `driver=nbd,export=${pathname.slice(1)},${server},x-dirty-bitmap=${context}`;
  const { stdout } = await execa('qemu-img', ['map', '--output=json', '--image-opts', image]);
  const map = JSON.parse(stdout) as { start: number; length: number; data: boolean }[];
  return map.flatMap(({ start, length, data }) => (data ? [] : [{ start, length }]));
}

/** A copy of the disk, kept by a consumer: brought up to date by what has changed alone. */
export async function refresh(served: ServedDisk, kept: string): Promise<void> {
  const read = `${kept}.read`;
  await readers.nbdcopy(served.uri, read);
  await using from = await open(read, 'r');
  await using to = await open(kept, 'r+');
  for (const { start, length } of await dirtyExtents(served)) {
    const { buffer } = await from.read(Buffer.alloc(length), 0, length, start);
    await to.write(buffer, 0, length, start);
  }
  await rm(read);
}

/** Every disk that is served reads, by that program, as it was at the instant. */
export async function expectServed(
  { served, rig }: Pick<ExportWay, 'served' | 'rig'>,
  held: Oracle,
  reader: keyof typeof readers = 'nbdcopy',
): Promise<void> {
  for (const disk of served) {
    const file = join(rig.folder, 'read.raw');
    await rm(file, { force: true });
    await readers[reader](disk.uri, file);
    expect([disk.device, await compare(file, await heldOf(disk, held))]).toEqual([
      disk.device,
      'identical',
    ]);
  }
}

/** What a disk held, known by its size: every disk of a rig has one of its own. */
export async function heldOf({ virtualBytes }: ServedDisk, held: Oracle): Promise<string> {
  for (const copy of held.values()) if ((await stat(copy)).size === virtualBytes) return copy;
  throw new Error(`no disk has ${virtualBytes} bytes`);
}

/** The consumer's own copy of each disk, brought up to date by this export. */
export async function keepUp({ served, rig }: ExportWay): Promise<string[]> {
  const kept: string[] = [];
  for (const disk of served) {
    const file = join(rig.folder, `kept-${disk.device}.raw`);
    if (disk.context === null) await readers.nbdcopy(disk.uri, file);
    else await refresh(disk, file);
    await copyFile(file, `${file}.now`);
    kept.push(`${file}.now`);
  }
  return kept;
}
