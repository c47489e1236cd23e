import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTempFolder } from '../../lab/temp-folder.ts';
import { splitLines } from '../../qemu/qmp/transport.ts';
import { Tap } from '../../torture/tap.ts';

const start = '{"execute":"blockdev-backup","arguments":{"device":"disk"},"id":"7"}';

describe('Tap', () => {
  it('has its onlooker see what goes by, if it has one', async () => {
    await using scene = await tapped();
    const seen: string[] = [];
    scene.client.write(`${start}\n`);
    expect(await scene.atQemu()).toBe(start);
    scene.tap.onlooker = {
      before: async ({ name }) => {
        seen.push(`before ${name}`);
        return 'another line';
      },
      after: async ({ name }) => void seen.push(`after ${name}`),
    };
    scene.client.write(`${start}\n`);
    expect(await scene.atQemu()).toBe('another line');
    scene.qemu.write('{"return": {}, "id": "7"}\n');
    await scene.atClient();

    expect(seen).toEqual(['before blockdev-backup', 'after blockdev-backup']);
  });

  it('refuses whoever connects once it is shut', async () => {
    await using scene = await tapped();
    scene.tap.shut();

    const late = connect(scene.tap.qmpSocket);
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/ENOENT|ECONNREFUSED/);
  });
});

/** A client and what it takes for QEMU, with a tap between them. */
async function tapped() {
  const temp = await makeTempFolder();
  const server = createServer().listen(join(temp.path, 'qemu.sock'));
  const tap = new Tap(join(temp.path, 'tap.sock'));
  await tap.open(join(temp.path, 'qemu.sock'));
  const client = connect(tap.qmpSocket);
  const [qemu] = (await once(server, 'connection')) as [Socket];
  const next = (socket: Socket) => {
    const lines = splitLines(socket.setEncoding('utf8'));
    return async () => (await lines.next()).value as string;
  };
  return {
    tap,
    client,
    qemu,
    atQemu: next(qemu),
    atClient: next(client),
    [Symbol.asyncDispose]: async () => {
      tap.shut();
      tap.cut();
      server.close();
      await temp[Symbol.asyncDispose]();
    },
  };
}
