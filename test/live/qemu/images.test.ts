import { execa } from 'execa';
import { open, stat, truncate, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ToolError } from '../../../qemu/errors.ts';
import { checkImage } from '../../../qemu/images/check-image.ts';
import { compareImages } from '../../../qemu/images/compare-images.ts';
import { convertImage } from '../../../qemu/images/convert-image.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import { createScratch, scratchNode } from '../../../qemu/images/create-scratch.ts';
import { imageInfo } from '../../../qemu/images/image-info.ts';
import { mountOrSkip } from '../file-system.ts';
import { HangingTool } from './hanging-tool.ts';
import { RealQemu } from './start-qemu.ts';
import { TemporaryFolder } from './temporary-folder.ts';

const MiB = 1024 ** 2;

let folder: TemporaryFolder;
let path: string;

beforeEach(async () => {
  folder = await TemporaryFolder.create();
  path = folder.at('disk.qcow2');
});
afterEach(() => folder[Symbol.asyncDispose]());

async function qemuIo(image: string, ...commands: string[]): Promise<void> {
  await execa('qemu-io', ['-f', 'qcow2', ...commands.flatMap((command) => ['-c', command]), image]);
}

describe('createImage', () => {
  it('makes an empty qcow2 with clusters of 64 KiB', async () => {
    await createImage({ path, virtualBytes: 10 * MiB });

    expect(await imageInfo(path)).toMatchObject({
      format: 'qcow2',
      virtualBytes: 10 * MiB,
      clusterBytes: 65_536,
      backing: undefined,
      corrupt: false,
      bitmaps: [],
    });
  });

  it('records a backing file as it is told, without opening it', async () => {
    const backing = { path: '../20260101T000000Z-aaaa/vd0.qcow2', format: 'qcow2' } as const;

    await createImage({ path, virtualBytes: 10 * MiB, backing });

    expect((await imageInfo(path)).backing).toEqual(backing);
  });

  it('replaces an image that is there', async () => {
    await createImage({ path, virtualBytes: 20 * MiB });

    await createImage({ path, virtualBytes: 10 * MiB });

    expect((await imageInfo(path)).virtualBytes).toBe(10 * MiB);
  });

  it('takes a name for nothing but a file', async () => {
    await createImage({ path: folder.at('nbd:localhost,x=1'), virtualBytes: MiB });

    expect((await stat(folder.at('nbd:localhost,x=1'))).isFile()).toBe(true);
  });

  it('says what the tool said when it fails', async () => {
    const failing = createImage({ path: folder.at('no/where.qcow2'), virtualBytes: MiB });

    const error = await failing.catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(ToolError);
    expect(error).toMatchObject({
      tool: 'qemu-img',
      exitCode: 1,
      stderr: expect.stringContaining('No such file or directory'),
    });
  });

  it('stops when its signal aborts', async () => {
    const aborted = AbortSignal.abort(new Error('cancelled'));

    await expect(createImage({ path, virtualBytes: MiB, signal: aborted })).rejects.toThrow(
      'cancelled',
    );
  });
});

describe('imageInfo', () => {
  it('lists bitmaps', async () => {
    await createImage({ path, virtualBytes: MiB });
    await execa('qemu-img', ['bitmap', '--add', path, 'stillpoint:x:none']);

    expect((await imageInfo(path)).bitmaps).toEqual([
      { name: 'stillpoint:x:none', flags: ['auto'] },
    ]);
  });

  it('reads an image that QEMU holds open only when told that it is shared', async () => {
    await createImage({ path, virtualBytes: MiB });
    await using qemu = await RealQemu.start('-drive', `if=none,id=d,file=${path},format=qcow2`);
    (await qemu.connect()).close();

    await expect(imageInfo(path)).rejects.toBeInstanceOf(ToolError);
    await expect(imageInfo(path, { shared: true })).resolves.toMatchObject({ virtualBytes: MiB });
  });

  it('never takes what a guest wrote on a raw disk for an image', async () => {
    await createImage({ path, virtualBytes: 10 * MiB });

    const info = await imageInfo({ path, format: 'raw' });

    expect(info.format).toBe('raw');
    expect(info.virtualBytes).toBeLessThan(MiB);
  });
});

describe('compareImages', () => {
  it('tells equal from different', async () => {
    const other = folder.at('other.qcow2');
    await createImage({ path, virtualBytes: MiB });
    await createImage({ path: other, virtualBytes: MiB });
    await qemuIo(path, 'write -P 7 64k 64k');

    expect(await compareImages(path, other)).toBe(false);
    await qemuIo(other, 'write -P 7 64k 64k');
    expect(await compareImages(path, other)).toBe(true);
  });

  it('reads through a chain, and raw as raw', async () => {
    const raw = folder.at('disk.raw');
    const overlay = folder.at('overlay.qcow2');
    await createImage({ path, virtualBytes: MiB });
    await qemuIo(path, 'write -P 7 0 64k');
    const backing = { path: 'disk.qcow2', format: 'qcow2' } as const;
    await createImage({ path: overlay, virtualBytes: MiB, backing });
    await qemuIo(overlay, 'write -P 8 64k 64k');
    await writeFile(raw, Buffer.concat([Buffer.alloc(65_536, 7), Buffer.alloc(65_536, 8)]));
    await truncate(raw, MiB);

    expect(await compareImages(overlay, { path: raw, format: 'raw' })).toBe(true);
  });

  it('fails when an image is not there', async () => {
    await createImage({ path, virtualBytes: MiB });

    await expect(compareImages(path, folder.at('no'))).rejects.toBeInstanceOf(ToolError);
  });
});

describe('convertImage', () => {
  for (const format of ['qcow2', 'raw'] as const)
    it(`flattens a chain to ${format} and tells its progress`, async () => {
      const to = folder.at('restored');
      await createImage({ path, virtualBytes: 4 * MiB });
      await qemuIo(path, 'write -P 7 0 3M');
      const overlay = folder.at('overlay.qcow2');
      const backing = { path, format: 'qcow2' } as const;
      await createImage({ path: overlay, virtualBytes: 4 * MiB, backing });
      const percents: number[] = [];

      await convertImage({
        from: overlay,
        to,
        format,
        onProgress: (percent) => percents.push(percent),
      });

      expect(await compareImages(overlay, { path: to, format })).toBe(true);
      expect((await imageInfo({ path: to, format })).backing).toBeUndefined();
      expect(percents.at(-1)).toBe(100);
    });

  it('stops when its signal aborts', async () => {
    await createImage({ path, virtualBytes: MiB });
    const abort = new AbortController();

    const converting = convertImage({
      from: path,
      to: folder.at('to'),
      format: 'raw',
      signal: abort.signal,
    });
    abort.abort(new Error('cancelled'));

    await expect(converting).rejects.toThrow('cancelled');
  });

  it('gives up when nothing moves', async () => {
    const to = folder.at('to');
    await createImage({ path, virtualBytes: MiB });
    await using hanging = await HangingTool.install(folder, 'qemu-img');

    const converting = convertImage({ from: path, to, format: 'raw', stallMs: 1_000 });

    await expect(converting).rejects.toThrow('convert: no progress within 1000 ms');
    await hanging.ended();
  });
});

describe('checkImage', () => {
  it('finds a new image sound', async () => {
    await createImage({ path, virtualBytes: MiB });

    expect(await checkImage(path)).toEqual({ sound: true, corruptions: 0, leaks: 0 });
  });

  it('finds broken metadata', async () => {
    await createImage({ path, virtualBytes: MiB });
    await qemuIo(path, 'write 0 1M');
    const file = await open(path, 'r+');
    await file.write(Buffer.alloc(4096, 0xa5), 0, 4096, 2 * 65_536);
    await file.close();

    const check = await checkImage(path);

    expect(check.sound).toBe(false);
    expect(check.corruptions).toBeGreaterThan(0);
  });

  it('fails on what is no qcow2', async () => {
    await writeFile(path, 'no image');

    await expect(checkImage(path)).rejects.toBeInstanceOf(ToolError);
  });
});

describe('createScratch', () => {
  const limitBytes = 4 * MiB + 12_345;

  it('makes a sparse file of its limit, in whole clusters', async () => {
    await createScratch({ path, virtualBytes: 64 * MiB, limitBytes });

    const { size, blocks } = await stat(path);
    expect(size).toBe(4 * MiB);
    expect(blocks * 512).toBeLessThan(MiB);
  });

  it('refuses a limit that not even the metadata fit in', async () => {
    const scratch = createScratch({ path, virtualBytes: 64 * MiB, limitBytes: 65_536 });

    await expect(scratch).rejects.toBeInstanceOf(ToolError);
  });

  it('fails writes beyond its limit and never grows', async () => {
    await createScratch({ path, virtualBytes: 64 * MiB, limitBytes });
    const image = `json:${JSON.stringify(scratchNode({ nodeName: 'scratch', path, limitBytes }))}`;

    const within = await execa('qemu-io', ['-c', 'write 0 1M', image], { reject: false });
    const beyond = await execa('qemu-io', ['-c', 'write 8M 16M', image], { reject: false });

    expect(within.exitCode).toBe(0);
    expect(beyond.exitCode).toBe(1);
    expect(beyond.stdout).toContain('No space left on device');
    expect((await stat(path)).size).toBe(4 * MiB);
  });

  it('is opened by QEMU', async () => {
    await createScratch({ path, virtualBytes: 64 * MiB, limitBytes });
    await using qemu = await RealQemu.start();
    await using client = await qemu.connect();

    await client.execute('blockdev-add', scratchNode({ nodeName: 'scratch', path, limitBytes }));

    const nodes = await client.execute('query-named-block-nodes', { flat: true });
    expect(nodes.find((node) => node['node-name'] === 'scratch')).toMatchObject({
      drv: 'qcow2',
      image: { 'virtual-size': 64 * MiB },
    });
  });
});

describe('a tool that hangs', () => {
  it('is given up at its deadline', async () => {
    await using hanging = await HangingTool.install(folder, 'qemu-img');

    const creating = createImage({ path, virtualBytes: MiB, timeoutMs: 1_000 });

    await expect(creating).rejects.toThrow('create did not end within 1000 ms');
    await hanging.ended();
  });

  it('is given up even when it cannot die', async (context) => {
    await using files = await mountOrSkip(context);
    await files.hang();

    const creating = createImage({ path: `${files.path}/x`, virtualBytes: MiB, timeoutMs: 500 });

    await expect(creating).rejects.toBeInstanceOf(ToolError);
  });
});
