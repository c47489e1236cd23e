import { describe, expect, it } from 'vitest';
import { QmpProtocolError } from '../../../qemu/errors.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';
import { FakePeer } from '../fake-peer.ts';

const { signal } = new AbortController();

/** A QEMU of that version which has those commands beside the ones that all have. */
class OldQemu extends FakePeer {
  /** What it was sent after the greeting, as it was spelled. */
  readonly asked: { execute: string; arguments: unknown }[] = [];
  readonly answers: Record<string, unknown> = {};
  readonly #version: readonly number[];

  constructor(version: readonly [number, number], commands: readonly string[]) {
    super();
    this.#version = version;
    this.answers['query-commands'] = commands.map((name) => ({ name }));
    this.onLine = (line) => {
      const { execute, arguments: args, id } = JSON.parse(line);
      if (execute !== 'qmp_capabilities') this.asked.push({ execute, arguments: args });
      this.say(JSON.stringify({ return: this.answers[execute] ?? {}, id }));
    };
  }

  async open(): Promise<QmpClient> {
    const [major, minor] = this.#version;
    const version = { qemu: { major, minor, micro: 0 }, package: '' };
    this.say(JSON.stringify({ QMP: { version, capabilities: [] } }));
    const client = await QmpClient.open(this.transport, { signal, what: 'web1' });
    this.asked.length = 0;
    return client;
  }
}

const v2 = () => new OldQemu([2, 11], ['query-block-jobs']);
const v3 = () => new OldQemu([3, 1], ['query-jobs', 'x-block-dirty-bitmap-merge']);
const v4 = () =>
  new OldQemu([4, 0], ['query-jobs', 'block-dirty-bitmap-merge', 'x-debug-query-block-graph']);
const onNode = { node: 'vd0-node', name: 'seg' };

describe('QEMU 3.1', () => {
  it('is told of bitmaps by their experimental names, in a transaction too', async () => {
    const qemu = v3();
    const client = await qemu.open();
    const merge = {
      node: 'vd0-node',
      target: 'tmp',
      bitmaps: ['a', { node: 'vd0-node', name: 'b' }],
    };
    const add = { node: 'vd0-node', name: 'tmp', granularity: 65_536, disabled: true };
    const spelledAdd = { node: 'vd0-node', name: 'tmp', granularity: 65_536, 'x-disabled': true };
    const merges = ['a', 'b'].map((name) => ({
      node: 'vd0-node',
      dst_name: 'tmp',
      src_name: name,
    }));

    const seen = (name: string) => ({ name, status: 'active', count: 65_536 });
    qemu.answers['query-block'] = [
      { inserted: { 'node-name': 'vd0-node' }, 'dirty-bitmaps': [seen('a'), seen('b')] },
    ];

    await client.execute('block-dirty-bitmap-enable', onNode);
    await client.execute('block-dirty-bitmap-disable', onNode);
    await client.execute('block-dirty-bitmap-merge', merge);
    await client.execute('transaction', {
      actions: [
        { type: 'block-dirty-bitmap-add', data: add },
        { type: 'block-dirty-bitmap-merge', data: merge },
        { type: 'block-dirty-bitmap-disable', data: onNode },
        { type: 'blockdev-backup', data: job },
      ],
    });

    expect(qemu.asked).toEqual([
      { execute: 'x-block-dirty-bitmap-enable', arguments: onNode },
      { execute: 'x-block-dirty-bitmap-disable', arguments: onNode },
      ...merges.map((one) => ({ execute: 'x-block-dirty-bitmap-merge', arguments: one })),
      { execute: 'query-block', arguments: {} },
      {
        execute: 'transaction',
        arguments: {
          actions: [
            { type: 'block-dirty-bitmap-add', data: spelledAdd },
            ...merges.map((data) => ({ type: 'x-block-dirty-bitmap-merge', data })),
            { type: 'x-block-dirty-bitmap-disable', data: onNode },
            { type: 'blockdev-backup', data: job },
          ],
        },
      },
    ]);
  });

  it('is never asked to merge across nodes', async () => {
    const qemu = v3();
    const client = await qemu.open();
    const merge = { node: 'base', target: 'tmp', bitmaps: [{ node: 'overlay', name: 'b' }] };

    await expect(client.execute('block-dirty-bitmap-merge', merge)).rejects.toThrow(
      QmpProtocolError,
    );
    expect(qemu.asked).toEqual([]);
  });

  it('shows what a bitmap does by its status', async () => {
    const qemu = v3();
    const client = await qemu.open();
    const seen = (status: string) => ({ name: status, count: 0, granularity: 65_536, status });
    const bitmaps = ['active', 'frozen', 'locked', 'disabled'].map(seen);
    const inserted = { 'node-name': 'vd0-node', drv: 'qcow2', ro: false, file: '/vd0' };
    const block = { device: '', removable: false, inserted };
    qemu.answers['query-block'] = [{ ...block, 'dirty-bitmaps': bitmaps }];

    const [shown] = await client.execute('query-block', {});

    const of = (name: string, recording: boolean, busy: boolean) => ({
      name,
      count: 0,
      granularity: 65_536,
      recording,
      busy,
      persistent: false,
    });
    expect(shown?.inserted?.['dirty-bitmaps']).toEqual([
      of('active', true, false),
      of('frozen', true, true),
      of('locked', false, true),
      of('disabled', false, false),
    ]);
  });

  it('shows its nodes as a graph without edges', async () => {
    const qemu = v3();
    const client = await qemu.open();
    const node = { 'node-name': 'vd0-node', drv: 'qcow2', ro: false, file: '/vd0' };
    qemu.answers['query-named-block-nodes'] = [node];

    expect(await client.execute('x-debug-query-block-graph', {})).toEqual({
      nodes: [{ id: 0, type: 'block-driver', name: 'vd0-node' }],
      edges: [],
    });
  });
});

describe('QEMU 4.0', () => {
  it('knows its bitmaps by their names, and is spared what came later', async () => {
    const qemu = v4();
    const client = await qemu.open();
    qemu.answers['query-named-block-nodes'] = [];
    const creds = { dir: '/etc/pki/qemu', endpoint: 'server', 'verify-peer': true } as const;
    const zeroes = { driver: 'null-co', 'node-name': 'zero', size: 65_536 } as const;

    await client.execute('block-dirty-bitmap-enable', onNode);
    await client.execute('query-named-block-nodes', { flat: true });
    await client.execute('blockdev-add', { ...zeroes, 'read-zeroes': true });
    await client.execute('object-add', { 'qom-type': 'tls-creds-x509', id: 'creds', ...creds });

    expect(qemu.asked.pop()).toEqual({
      execute: 'object-add',
      arguments: { 'qom-type': 'tls-creds-x509', id: 'creds', props: creds },
    });
    expect(qemu.asked).toEqual([
      { execute: 'block-dirty-bitmap-enable', arguments: onNode },
      { execute: 'query-named-block-nodes', arguments: {} },
      { execute: 'blockdev-add', arguments: zeroes },
    ]);
  });

  it('is a protocol error where it answers what nobody knows', async () => {
    const qemu = v4();
    const client = await qemu.open();
    qemu.answers['query-block'] = ['what is this'];

    await expect(client.execute('query-block', {})).rejects.toThrow(QmpProtocolError);
  });
});

describe('QEMU 2.11', () => {
  it('shows its block jobs as jobs, and cancels them by force', async () => {
    const qemu = v2();
    const client = await qemu.open();
    const job = { type: 'backup', len: 100, busy: true, speed: 0, 'io-status': 'ok', ready: false };
    qemu.answers['query-block-jobs'] = [
      { ...job, device: 'at work', offset: 40, paused: false },
      { ...job, device: 'waiting', offset: 0, paused: true },
    ];

    const jobs = await client.execute('query-jobs', {});
    await client.execute('job-cancel', { id: 'at work' });

    const figures = { type: 'backup', 'total-progress': 100 };
    expect(jobs).toEqual([
      { ...figures, id: 'at work', status: 'running', 'current-progress': 40 },
      { ...figures, id: 'waiting', status: 'paused', 'current-progress': 0 },
    ]);
    expect(qemu.asked.at(-1)).toEqual({
      execute: 'block-job-cancel',
      arguments: { device: 'at work', force: true },
    });
  });
});

it('QEMU 5.1 is spoken to as it is, and known to have no exports of their own', async () => {
  const qemu = new OldQemu([5, 1], ['query-jobs', 'nbd-server-add']);
  const client = await qemu.open();

  await client.execute('query-named-block-nodes', { flat: true }).catch(() => undefined);

  expect(client.lacks('block-export-add')).toBe(true);
  expect(client.lacks('nbd-server-add')).toBe(false);
  expect(qemu.asked).toEqual([{ execute: 'query-named-block-nodes', arguments: { flat: true } }]);
});

it('QEMU 5.2 is asked nothing, and spoken to as it is', async () => {
  const qemu = new OldQemu([5, 2], []);
  const client = await qemu.open();

  await client.execute('block-dirty-bitmap-enable', onNode);

  expect(qemu.sent.map((line) => JSON.parse(line).execute)).toEqual([
    'qmp_capabilities',
    'block-dirty-bitmap-enable',
  ]);
});

const job = {
  'job-id': 'j0',
  device: 'vd0-node',
  target: 't0',
  sync: 'incremental',
  bitmap: 'tmp',
  'auto-finalize': false,
  'auto-dismiss': false,
} as const;
