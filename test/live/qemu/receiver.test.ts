import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReceiverError } from '../../../qemu/errors.ts';
import { compareImages } from '../../../qemu/images/compare-images.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import type { QmpClient } from '../../../qemu/qmp/client.ts';
import { endReceiver } from '../../../qemu/receiver/end-receiver.ts';
import { findReceivers } from '../../../qemu/receiver/find-receivers.ts';
import { flushReceiver } from '../../../qemu/receiver/flush-receiver.ts';
import { launch } from '../../../qemu/receiver/launch.ts';
import { probeReceiver } from '../../../qemu/receiver/probe-receiver.ts';
import { startReceiver } from '../../../qemu/receiver/start-receiver.ts';
import { startSubstitute } from '../../../qemu/receiver/start-substitute.ts';
import { mountOrSkip } from '../file-system.ts';
import { needPatientTargets, needPending } from '../rig/need.ts';
import { HangingTool } from './hanging-tool.ts';
import { MuteServer } from './mute-server.ts';
import { RealQemu } from './start-qemu.ts';
import { TemporaryFolder } from './temporary-folder.ts';

const MiB = 1024 ** 2;
const SIZE = 8 * MiB;
const signal = new AbortController().signal;

let folder: TemporaryFolder;
let image: string;
let socket: string;

beforeEach(async () => {
  folder = await TemporaryFolder.create();
  image = folder.at('target.qcow2');
  socket = folder.at('t');
  await createImage({ path: image, virtualBytes: SIZE });
});
afterEach(() => folder[Symbol.asyncDispose]());

async function isRunning(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !/\) [ZX]/.test(state);
}

/** Copies a raw file full of sevens to the receiver; the job then waits in `pending`, and the connection stays. */
async function copyTo(client: QmpClient, source: string): Promise<void> {
  const file = { driver: 'file', filename: source } as const;
  await client.execute('blockdev-add', { driver: 'raw', 'node-name': 'source', file });
  await attach(client);
  await client.execute('blockdev-backup', {
    'job-id': 'copy',
    device: 'source',
    target: 'target',
    sync: 'full',
    'auto-finalize': false,
    'auto-dismiss': false,
  });
  await vi.waitUntil(
    async () => (await client.execute('query-jobs', {}))[0]?.status === 'pending',
    { timeout: 30_000 },
  );
}

async function attach(client: QmpClient, reconnectSeconds = 0): Promise<void> {
  await client.execute('blockdev-add', {
    driver: 'nbd',
    'node-name': 'target',
    server: { type: 'unix', path: socket },
    export: 't',
    // Below 4.2 there is no such thing, and nothing is the default.
    ...(reconnectSeconds > 0 && { 'reconnect-delay': reconnectSeconds }),
  });
}

/** Writes as a client that then hangs up; whether that works is not looked at. */
async function writeTo(receiver: string): Promise<void> {
  const args = ['-c', 'write 0 1M', `nbd+unix:///t?socket=${receiver}`];
  await execa('qemu-io', args, { reject: false });
}

async function sevens(): Promise<string> {
  const source = folder.at('source.raw');
  await writeFile(source, Buffer.alloc(SIZE, 7));
  return source;
}

describe('startReceiver', () => {
  it('resolves when the receiver answers', async () => {
    const { pid } = await startReceiver({ image, socket, signal });

    await probeReceiver(socket, 5_000);
    expect(await isRunning(pid)).toBe(true);
  });

  it('makes it a session of its own, which ends with nobody', async () => {
    const { pid } = await startReceiver({ image, socket, signal });

    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ');
    expect(fields?.slice(2, 4)).toEqual([String(pid), String(pid)]);
  });

  it('takes the place of a socket that a dead receiver left', async () => {
    const { pid } = await startReceiver({ image, socket, signal });
    await endReceiver(pid, 0);
    expect((await stat(socket)).isSocket()).toBe(true);

    await startReceiver({ image, socket, signal });

    await probeReceiver(socket, 5_000);
  });

  it('says what the receiver said when it does not start', async () => {
    const starting = startReceiver({ image: folder.at('no.qcow2'), socket, signal });

    const error = await starting.catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(ReceiverError);
    expect(String(error)).toContain('No such file or directory');
    expect(await findReceivers(folder.path)).toEqual([]);
  });

  it('lets no two receivers write one image', async () => {
    await startReceiver({ image, socket, signal });

    const second = startReceiver({ image, socket: folder.at('t2'), signal });

    await expect(second).rejects.toThrow(/Failed to get "write" lock/);
  });

  it('fails when there is no folder for its socket', async () => {
    const starting = startReceiver({ image, socket: folder.at('no/t'), signal });

    await expect(starting).rejects.toBeInstanceOf(ReceiverError);
  });

  it('fails at its deadline and leaves nothing running', async () => {
    await using hanging = await HangingTool.install(folder, 'qemu-nbd');

    const starting = startReceiver({ image, socket, signal, deadlineMs: 1_000 });

    await expect(starting).rejects.toThrow('not ready within 1000 ms');
    await hanging.ended();
  });

  it('stops when its signal aborts and leaves nothing running', async () => {
    await using hanging = await HangingTool.install(folder, 'qemu-nbd');
    const abort = new AbortController();

    const starting = startReceiver({ image, socket, signal: abort.signal });
    await vi.waitFor(() => stat(folder.at('qemu-nbd.pid')), { timeout: 10_000 });
    abort.abort(new Error('cancelled'));

    await expect(starting).rejects.toThrow('cancelled');
    await hanging.ended();
  });
});

describe('probeReceiver', () => {
  it('fails when nobody listens', async () => {
    await expect(probeReceiver(socket, 1_000)).rejects.toBeInstanceOf(ReceiverError);
  });

  it('fails when the receiver is mute', async () => {
    await using mute = await MuteServer.listen(socket);

    await expect(probeReceiver(socket, 200)).rejects.toThrow('mute for 200 ms');
    await mute.connected();
  });

  it('fails when something else answers, or it hangs up', async () => {
    const answers = ['HTTP/1.1 400 Bad Request\r\n', 'NBD'];
    const server = createServer((connection) => void connection.end(answers.shift() ?? ''));
    server.listen(socket);
    await once(server, 'listening');

    await expect(probeReceiver(socket, 5_000)).rejects.toThrow('no NBD server');
    await expect(probeReceiver(socket, 5_000)).rejects.toThrow('hung up');
    server.close();
  });

  it('leaves the receiver free for the next', async () => {
    await startReceiver({ image, socket, signal, shared: 1 });

    for (let count = 0; count < 5; count++)
      await expect(probeReceiver(socket, 5_000)).resolves.toBeUndefined();
  });
});

describe('flushReceiver', () => {
  it('makes durable what a job in pending has written', async (context) => {
    await using qemu = await RealQemu.start();
    await using client = await qemu.connect();
    needPending(context, client);
    const source = await sevens();
    const { pid } = await startReceiver({ image, socket, signal });
    await copyTo(client, source);

    await flushReceiver(socket, 10_000);

    await endReceiver(pid, 0);
    expect(await compareImages(image, { path: source, format: 'raw' })).toBe(true);
  });

  it('is what makes it durable: without it a killed receiver loses the copy', async (context) => {
    await using qemu = await RealQemu.start();
    await using client = await qemu.connect();
    needPending(context, client);
    const source = await sevens();
    const { pid } = await startReceiver({ image, socket, signal });
    await copyTo(client, source);

    await endReceiver(pid, 0);

    expect(await compareImages(image, { path: source, format: 'raw' })).toBe(false);
  });

  it('fails when the receiver cannot flush', async () => {
    const file = { driver: 'file', filename: image };
    const inject = [{ event: 'none', iotype: 'flush', errno: 5 }];
    const debug = { driver: 'blkdebug', image: file, 'inject-error': inject };
    const node = `json:${JSON.stringify({ driver: 'qcow2', file: debug })}`;
    await launch({ socket, args: ['-x', 't', '-e', '2', '--persistent', node] });
    // What was never written to is not flushed.
    await writeTo(socket);

    await expect(flushReceiver(socket, 10_000)).rejects.toThrow(ReceiverError);
  });

  it('fails at its deadline when the receiver has stopped', async () => {
    const { pid } = await startReceiver({ image, socket, signal });
    process.kill(pid, 'SIGSTOP');

    await expect(flushReceiver(socket, 1_000)).rejects.toThrow('did not end within 1000 ms');
  });

  it('fails when the receiver is gone', async () => {
    await expect(flushReceiver(socket, 10_000)).rejects.toBeInstanceOf(ReceiverError);
  });
});

describe('findReceivers', () => {
  it('finds those below its prefix and no others', async () => {
    const [one, two] = [folder.at('sp-1'), folder.at('sp-2')];
    const first = await startSubstitute({ socket: one, virtualBytes: MiB });
    const second = await startSubstitute({ socket: two, virtualBytes: MiB });
    await startSubstitute({ socket, virtualBytes: MiB });

    const found = await findReceivers(folder.at('sp-'));

    expect(found).toHaveLength(2);
    expect(found).toContainEqual({ pid: first.pid, socket: one });
    expect(found).toContainEqual({ pid: second.pid, socket: two });
  });

  it('takes nothing else for a receiver, whatever its arguments', async () => {
    const child = spawn('sh', ['-c', 'sleep 600; true', 'qemu-nbd', '-k', socket]);
    await once(child, 'spawn');

    const found = await findReceivers(folder.path);

    child.kill('SIGKILL');
    expect(found).toEqual([]);
  });

  it('bears processes that come and go', async () => {
    const busy = execa('sh', ['-c', 'for i in $(seq 400); do /bin/true; done']);

    for (let count = 0; count < 20; count++) expect(await findReceivers(folder.path)).toEqual([]);

    await busy;
  });
});

describe('endReceiver', () => {
  it('lets the receiver finish what it holds', async (context) => {
    await using qemu = await RealQemu.start();
    await using client = await qemu.connect();
    needPending(context, client);
    const source = await sevens();
    const { pid } = await startReceiver({ image, socket, signal });
    await copyTo(client, source);

    await endReceiver(pid, 10_000);

    expect(await isRunning(pid)).toBe(false);
    expect(await compareImages(image, { path: source, format: 'raw' })).toBe(true);
  });

  it('kills a receiver that does not listen', async () => {
    const { pid } = await startReceiver({ image, socket, signal });
    process.kill(pid, 'SIGSTOP');

    await endReceiver(pid, 100);

    expect(await isRunning(pid)).toBe(false);
  });

  it('does nothing when the receiver is gone', async () => {
    const { pid } = await startReceiver({ image, socket, signal });
    await endReceiver(pid, 1_000);

    await endReceiver(pid, 1_000);

    expect(await isRunning(pid)).toBe(false);
  });

  it('spares a process that is no receiver', async () => {
    const child = spawn('sleep', ['600']);
    await once(child, 'spawn');

    await endReceiver(child.pid ?? 0, 100);

    expect(child.exitCode ?? child.signalCode).toBeNull();
    child.kill('SIGKILL');
  });

  it('says so when the receiver cannot die, which is found until it does', async (context) => {
    await using files = await mountOrSkip(context);
    const hung = `${files.path}/target.qcow2`;
    await createImage({ path: hung, virtualBytes: SIZE });
    const { pid } = await startReceiver({ image: hung, socket, signal });
    await files.hang();
    const writing = writeTo(socket);
    await vi.waitUntil(async () => hasHungThread(pid), { timeout: 10_000 });

    const ending = endReceiver(pid, 100);

    await expect(ending).rejects.toThrow(/did not end within 5000 ms after SIGKILL/);
    expect(await findReceivers(folder.path)).toEqual([{ pid, socket }]);
    await files.recover();
    await endReceiver(pid, 0);
    expect(await findReceivers(folder.path)).toEqual([]);
    await writing;
  });
});

/** Whether a thread of the process waits in the kernel, out of reach of signals. */
async function hasHungThread(pid: number): Promise<boolean> {
  const { stdout } = await execa('ps', ['-L', '-o', 'state=', '-p', String(pid)]);
  return stdout.includes('D');
}

describe('startSubstitute', () => {
  it('lets a QEMU finish that waits for a dead receiver', async (context) => {
    await using qemu = await RealQemu.start();
    await using client = await qemu.connect();
    needPatientTargets(context, client);
    const { pid } = await startReceiver({ image, socket, signal });
    await attach(client, 60);
    await endReceiver(pid, 0);
    const command = { 'command-line': 'qemu-io target "write 0 1M"' };
    const writing = client.execute('human-monitor-command', command, { timeoutMs: 60_000 });

    const substitute = await startSubstitute({ socket, virtualBytes: SIZE });

    await expect(writing).resolves.toBeDefined();
    await expect(client.execute('blockdev-del', { 'node-name': 'target' })).resolves.toBeDefined();
    expect(await findReceivers(folder.path)).toEqual([{ pid: substitute.pid, socket }]);
  });
});
