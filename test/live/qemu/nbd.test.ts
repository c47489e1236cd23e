import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NbdError } from '../../../qemu/errors.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import { NbdClient } from '../../../qemu/nbd/client.ts';
import { startReceiver } from '../../../qemu/receiver/start-receiver.ts';
import { endReceiver } from '../../../qemu/receiver/end-receiver.ts';
import { MuteServer } from './mute-server.ts';
import { TemporaryFolder } from './temporary-folder.ts';

const KiB = 1024;
const SIZE = 8 * KiB * KiB;
const signal = new AbortController().signal;
const allocation = 'base:allocation';

let folder: TemporaryFolder;
let image: string;
let path: string;

beforeEach(async () => {
  folder = await TemporaryFolder.create();
  image = folder.at('target.qcow2');
  path = folder.at('t');
  await createImage({ path: image, virtualBytes: SIZE });
});
afterEach(() => folder[Symbol.asyncDispose]());

const open = (contexts: readonly string[] = [allocation], exportName = 't') =>
  NbdClient.connect({ path, exportName, contexts, timeoutMs: 5_000, signal });

/** Some bytes that are like no others. */
function pattern(length: number, seed: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 31 + seed * 17 + (at >> 8)) & 255));
}

/** Connects until the server's queue takes no more. */
async function fillQueue(): Promise<Socket[]> {
  const others: Socket[] = [];
  for (;;) {
    const other = connect({ path });
    const refused = await new Promise<boolean>((resolve) => {
      other.once('connect', () => resolve(false)).once('error', () => resolve(true));
    });
    if (refused) return others;
    others.push(other);
  }
}

describe('with qemu-nbd', () => {
  let pid: number;
  beforeEach(async () => ({ pid } = await startReceiver({ image, socket: path, signal })));
  afterEach(() => endReceiver(pid, 0));

  it('reads what it wrote, many pieces at the same time', async () => {
    await using client = await open();
    expect(client.sizeBytes).toBe(SIZE);
    const pieces = Array.from({ length: 40 }, (_, at) => pattern(64 * KiB + 512, at));
    await Promise.all(pieces.map((piece, at) => client.write(at * 128 * KiB, piece)));
    const read = await Promise.all(
      pieces.map(({ length }, at) => client.read({ offset: at * 128 * KiB, length })),
    );
    expect(read.map((bytes, at) => bytes.equals(pieces[at] ?? Buffer.alloc(0)))).not.toContain(
      false,
    );
  });

  it('tells what is allocated, and zeroes it again', async () => {
    await using client = await open();
    await client.write(256 * KiB, pattern(64 * KiB, 1));
    const extents = async () =>
      (await client.blockStatus({ offset: 0, length: 512 * KiB })).get(allocation);
    expect(await extents()).toEqual([
      { length: 256 * KiB, flags: 3 },
      { length: 64 * KiB, flags: 0 },
      expect.objectContaining({ flags: 3 }),
    ]);
    await client.writeZeroes({ offset: 256 * KiB, length: 64 * KiB });
    expect(
      (await client.read({ offset: 256 * KiB, length: 64 * KiB })).every((byte) => byte === 0),
    ).toBe(true);
  });

  it('names the number of a refusal, and goes on', async () => {
    await using client = await open();
    const beyond = client.read({ offset: SIZE, length: 512 });
    await expect(beyond).rejects.toThrow(NbdError);
    await expect(beyond).rejects.toMatchObject({ code: 22 });
    expect(await client.read({ offset: 0, length: 512 })).toHaveLength(512);
  });

  it('waits for its turn where others wait already', async () => {
    process.kill(pid, 'SIGSTOP');
    const others = await fillQueue();

    const opening = open();
    for (const other of others) other.destroy();
    process.kill(pid, 'SIGCONT');

    await using client = await opening;
    expect(client.sizeBytes).toBe(SIZE);
  });

  it('says what the server has not', async () => {
    await expect(open([allocation], 'other')).rejects.toThrow(/metadata of "other": refused/);
    await expect(open([], 'other')).rejects.toThrow(/export "other": refused/);
    await expect(open(['qemu:dirty-bitmap:none'])).rejects.toThrow(/has no qemu:dirty-bitmap:none/);
  });

  it('fails what is under way when the server dies', async () => {
    await using client = await open();
    await endReceiver(pid, 0);
    await expect(client.read({ offset: 0, length: 512 })).rejects.toThrow(/hung up/);
    await expect(client.read({ offset: 0, length: 512 })).rejects.toThrow(NbdError);
  });
});

describe('with what is no NBD server', () => {
  it('gives up a mute one', async () => {
    await using mute = await MuteServer.listen(path);
    const late = NbdClient.connect({ path, exportName: 't', timeoutMs: 50, signal });
    await expect(late).rejects.toThrow(/no answer within 50 ms/);
    await mute.connected();
  });
});
