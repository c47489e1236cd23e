import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { array, assert, asyncProperty, constantFrom } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QmpConnectError } from '../../../qemu/errors.ts';
import { connectUnix, splitLines } from '../../../qemu/qmp/transport.ts';

async function* from(chunks: Iterable<string>): AsyncGenerator<string> {
  yield* chunks;
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = [];
  for await (const line of lines) collected.push(line);
  return collected;
}

describe('splitLines', () => {
  const text = '{"QMP": {}}\r\n\n{"return": {}}\n{"event": "STOP"}\nunfinis';
  const lines = ['{"QMP": {}}\r', '', '{"return": {}}', '{"event": "STOP"}'];

  it('cuts a text that comes at once', async () => {
    expect(await collect(splitLines(from([text])))).toEqual(lines);
  });

  it('cuts a text that comes one character at a time', async () => {
    expect(await collect(splitLines(from(text)))).toEqual(lines);
  });

  it('cuts alike however the text is chopped', async () => {
    const chopped = array(constantFrom('a', '\n', 'b\nc', '\n\n', '{"x": 1}\n'));
    await assert(
      asyncProperty(chopped, async (chunks) => {
        const whole = chunks.join('').split('\n').slice(0, -1);
        expect(await collect(splitLines(from(chunks)))).toEqual(whole);
      }),
    );
  });

  it('throws when a line does not end', async () => {
    await expect(collect(splitLines(from(['abc', 'def']), 5))).rejects.toBeInstanceOf(RangeError);
  });
});

describe('connectUnix', () => {
  let folder: string;
  let path: string;
  let server: Server;
  const signal = new AbortController().signal;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sp-'));
    path = join(folder, 's');
    server = createServer();
    server.listen(path);
    await once(server, 'listening');
  });

  afterEach(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  async function connected(options?: Parameters<typeof connectUnix>[2]) {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const transport = await connectUnix(path, signal, options);
    const [peer] = await accepted;
    return { transport, peer };
  }

  it('reads what was sent before anybody read', async () => {
    const { transport, peer } = await connected();

    peer.end('first\nsecond\n');
    await once(peer, 'finish');

    expect(await collect(transport.lines)).toEqual(['first', 'second']);
  });

  it('keeps bytes apart that are no UTF-8, as latin1', async () => {
    const { transport, peer } = await connected({ encoding: 'latin1' });

    transport.send('\xFFping');
    const [sent] = (await once(peer, 'data')) as [Buffer];
    peer.end(Buffer.from([0xff, 0x41, 0x0a]));

    expect([...sent]).toEqual([0xff, ...Buffer.from('ping\n')]);
    expect(await collect(transport.lines)).toEqual(['\xFFA']);
  });

  it('survives a peer that is gone when it sends', async () => {
    const { transport, peer } = await connected();

    peer.destroy();
    await collect(transport.lines).catch(() => {});
    transport.send('anybody?');
    transport.close();

    await expect(collect(transport.lines)).resolves.toEqual([]);
  });

  it('says that nobody listens', async () => {
    const error = await connectUnix(`${path}-not`, signal).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(QmpConnectError);
    expect(String(error)).toContain('ENOENT');
  });

  it('throws the reason of its signal', async () => {
    const connecting = connectUnix(path, AbortSignal.abort(new Error('cancelled')));

    await expect(connecting).rejects.toThrow('cancelled');
  });
});
