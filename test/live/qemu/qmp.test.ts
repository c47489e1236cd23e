import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  QmpBusyError,
  QmpCommandError,
  QmpDisconnectedError,
  QmpTimeoutError,
} from '../../../qemu/errors.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';
import { commands } from '../../../qemu/qmp/commands.ts';
import type { QmpEvent } from '../../../qemu/qmp/events.ts';
import { MuteServer } from './mute-server.ts';
import { RealQemu } from './start-qemu.ts';
import { TableCheck } from './table-check.ts';

const signal = new AbortController().signal;

/** What a version lacks of what we send, by its major and minor number. Nothing is skipped unnamed. */
const lacks: Record<string, { commands: string[]; arguments: string[] }> = {
  '5.2': {
    commands: ['query-yank', 'yank'],
    arguments: [
      'blockdev-add.driver: QEMU does not know copy-before-write',
      'blockdev-add.file: QEMU does not know it',
      'blockdev-add.target: QEMU does not know it',
      'blockdev-add.bitmap: QEMU does not know it',
      'blockdev-add.on-cbw-error: QEMU does not know it',
      'blockdev-add.cbw-timeout: QEMU does not know it',
      'blockdev-add.driver: QEMU does not know snapshot-access',
      'blockdev-add.file: QEMU does not know it',
      'transaction.actions[].data.x-perf: QEMU does not know it',
      'blockdev-backup.x-perf: QEMU does not know it',
      // Exports are refused where there is no filter.
      'block-export-add.bitmaps[].node: QEMU does not know it',
      'block-export-add.bitmaps[].name: QEMU does not know it',
      'object-add.qom-type: QEMU does not know tls-creds-x509',
      'object-add.dir: QEMU does not know it',
      'object-add.endpoint: QEMU does not know it',
      'object-add.verify-peer: QEMU does not know it',
    ],
  },
};
const inAFile = 'what this QEMU lacks is in a file, which another test looks at';
const lacksNothing = { commands: [], arguments: [] };

describe('the table of commands', () => {
  let qemu: RealQemu;
  let client: QmpClient;
  let check: TableCheck;
  let missing: { commands: string[]; arguments: string[] };

  beforeAll(async () => {
    qemu = await RealQemu.start();
    client = await qemu.connect();
    check = new TableCheck(await client.execute('query-qmp-schema', {}));
    const { major, minor } = client.version;
    missing = lacks[`${major}.${minor}`] ?? lacksNothing;
  });

  afterAll(async () => {
    client.close();
    await qemu[Symbol.asyncDispose]();
  });

  it('holds no command that QEMU does not know, but those named here', (context) => {
    context.skip(client.version.major < 5, inAFile);
    const unknown = Object.keys(commands).filter((command) => !check.knows(command));

    expect(unknown).toEqual(missing.commands);
  });

  it('holds no argument that QEMU does not know, misses none that it wants, and none differs in type', (context) => {
    context.skip(client.version.major < 5, inAFile);
    const faults = Object.entries(commands)
      .filter(([command]) => check.knows(command))
      .flatMap(([command, { args }]) => check.faults(command, args));

    expect(faults).toEqual(missing.arguments);
  });

  it('is compared by a check that sees what is wrong', () => {
    const wrong = z.strictObject({
      driver: z.literal('nbd'),
      server: z.strictObject({ type: z.literal('unix'), file: z.string() }),
      export: z.int(),
      discard: z.enum(['unmap', 'trim']),
    });

    expect(check.faults('blockdev-add', wrong)).toEqual([
      'blockdev-add.server: QEMU wants path',
      'blockdev-add.server.file: QEMU does not know it',
      'blockdev-add.export: number is no string',
      'blockdev-add.discard: QEMU does not know trim',
    ]);
  });

  const queries = [
    'query-version',
    'query-status',
    'query-chardev',
    'query-iothreads',
    'query-block',
    'query-named-block-nodes',
    'x-debug-query-block-graph',
    'query-blockstats',
    'query-jobs',
    'query-block-jobs',
    'query-yank',
  ] as const;
  it.for(queries)('fits what QEMU answers to %s', async (query, context) => {
    const lacks = missing.commands.includes(query) || client.lacks(query);
    context.skip(lacks, `this QEMU has no ${query}`);

    await expect(client.execute(query, {})).resolves.toBeDefined();
  });
});

describe('QmpClient with a real QEMU', () => {
  it('says that the socket is busy while another client holds it', async () => {
    await using qemu = await RealQemu.start();
    await using first = await qemu.connect();

    const waiting = [1, 2, 3].map(() =>
      QmpClient.connect(qemu.qmp, signal).catch((error: unknown) => error),
    );

    // QEMU lets one or two wait in vain; the system turns the others away at once.
    for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(QmpBusyError);
    expect(first.closed).toBe(false);
  });

  it('is served once the other client has gone', async () => {
    await using qemu = await RealQemu.start();
    (await qemu.connect()).close();

    await using second = await qemu.connect();

    expect(await second.execute('query-status', {})).toEqual({
      status: 'prelaunch',
      running: false,
    });
  });

  it("hears what happens, with QEMU's time", async () => {
    await using qemu = await RealQemu.start();
    await using client = await qemu.connect();
    const heard: QmpEvent[] = [];
    client.listen((event) => heard.push(event));

    const before = Date.now();
    await client.execute('cont', {});
    await client.execute('stop', {});

    expect(heard.map(({ event }) => event)).toEqual(['RESUME', 'STOP']);
    for (const { timestampMs } of heard) expect(timestampMs).toBeGreaterThanOrEqual(before - 1);
  });

  it('stays usable after QEMU has refused a command', async () => {
    await using qemu = await RealQemu.start();
    await using client = await qemu.connect();

    const refused = client.execute('job-cancel', { id: 'nobody' });

    await expect(refused).rejects.toBeInstanceOf(QmpCommandError);
    await expect(client.execute('query-jobs', {})).resolves.toEqual([]);
  });

  it('sees all that is in the block graph', async () => {
    await using qemu = await RealQemu.start('-device', 'pcie-root-port,id=rp0');
    await using client = await qemu.connect();
    await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'disk', size: 1 << 20 });
    const bitmap = { node: 'disk', name: 'changes', granularity: 65_536 };
    await client.execute('block-dirty-bitmap-add', bitmap);
    const device = { driver: 'virtio-blk-pci', id: 'vd0', bus: 'rp0', drive: 'disk' };
    await client.execute('device_add', device);

    const [attached] = await client.execute('query-block', {});
    const [node] = await client.execute('query-named-block-nodes', { flat: true });
    const graph = await client.execute('x-debug-query-block-graph', {});

    expect(attached).toMatchObject({ device: '', qdev: '/machine/peripheral/vd0/virtio-backend' });
    expect(node).toMatchObject({
      'node-name': 'disk',
      drv: 'null-co',
      ro: false,
      image: { 'virtual-size': 1 << 20 },
    });
    expect(attached?.inserted?.['dirty-bitmaps']).toMatchObject([
      { name: 'changes', recording: true, persistent: false, count: 0 },
    ]);
    expect(graph.nodes).toContainEqual(
      expect.objectContaining({ type: 'block-driver', name: 'disk' }),
    );
  });
});

describe("QmpClient while QEMU's monitor hangs", () => {
  let qemu: RealQemu;
  let mute: MuteServer;
  let client: QmpClient;
  let node: { driver: 'nbd'; 'node-name': string; server: { type: 'unix'; path: string } };

  beforeAll(async () => {
    qemu = await RealQemu.start();
    const path = join(qemu.folder, 'mute');
    mute = await MuteServer.listen(path);
    client = await qemu.connect();
    node = { driver: 'nbd', 'node-name': 'target', server: { type: 'unix', path } };
  });

  afterAll(async () => {
    client.close();
    await mute[Symbol.asyncDispose]();
    await qemu[Symbol.asyncDispose]();
  });

  it('gets out-of-band commands through, behind however many others', async (context) => {
    context.skip(client.version.major < 6, 'QEMU 6.0 is the first that has yank');
    const hung = client.execute('blockdev-add', node).catch((error: unknown) => error);
    await mute.connected();
    const behind = Array.from({ length: 20 }, () => client.execute('query-status', {}));

    const instances = await client.executeOutOfBand('query-yank', {});
    mute.release();

    expect(instances).toContainEqual({ type: 'block-node', 'node-name': 'target' });
    expect(await hung).toBeInstanceOf(QmpCommandError);
    expect(await Promise.all(behind)).toHaveLength(20);
  });

  it('takes no late answer of the connection before for its own', async () => {
    const late = client.execute('blockdev-add', node, { timeoutMs: 500 });
    await expect(late).rejects.toBeInstanceOf(QmpTimeoutError);
    client.close();

    const next = qemu.connect();
    mute.release();
    client = await next;

    expect(await client.execute('query-status', {})).toEqual({
      status: 'prelaunch',
      running: false,
    });
  });

  it('rejects what is in flight when QEMU is killed', async () => {
    const hung = client.execute('blockdev-add', node).catch((error: unknown) => error);
    await mute.connected();

    await qemu.kill();

    expect(await hung).toBeInstanceOf(QmpDisconnectedError);
    await expect(client.execute('stop', {})).rejects.toBeInstanceOf(QmpDisconnectedError);
  });
});
