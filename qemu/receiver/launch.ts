import { spawn } from 'node:child_process';
import { open, readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ReceiverError } from '../errors.ts';
import { probeReceiver } from './probe-receiver.ts';

const PROBE_MS = 1_000;
const PAUSE_MS = 10;

/** Starts a detached `qemu-nbd` on `socket` and resolves when it answers. If it does not in time, it is killed. */
export async function launch(receiver: {
  socket: string;
  args: readonly string[];
  signal?: AbortSignal | undefined;
  deadlineMs?: number | undefined;
}): Promise<{ pid: number }> {
  const { socket, args, signal, deadlineMs = 10_000 } = receiver;
  signal?.throwIfAborted();
  const child = await spawnDetached(socket, args).catch((cause: unknown) => {
    throw new ReceiverError(`receiver ${socket}: not started: ${String(cause)}`, { cause });
  });
  const ended = new AbortController();
  child.on('error', (error) => ended.abort(error));
  child.once('exit', (code, killedBy) => ended.abort(new Error(`ended (${code ?? killedBy})`)));
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    const limits = [deadline, ended.signal, ...(signal ? [signal] : [])];
    await untilReady(socket, AbortSignal.any(limits));
    if (child.pid === undefined) throw new Error('it has no process id');
    return { pid: child.pid };
  } catch (cause) {
    child.kill('SIGKILL');
    signal?.throwIfAborted();
    const what = ended.signal.aborted
      ? String(ended.signal.reason)
      : `not ready within ${deadlineMs} ms`;
    const said = await readFile(`${socket}.log`, 'utf8').catch(() => '');
    const tail = said.trim().slice(-1000);
    throw new ReceiverError(`receiver ${socket}: ${what}${tail && `: ${tail}`}`, { cause });
  }
}

async function spawnDetached(socket: string, args: readonly string[]) {
  await rm(socket, { force: true });
  const log = await open(`${socket}.log`, 'w', 0o600);
  try {
    // A session of its own: what ends this process or its group does not end the receiver.
    const child = spawn('qemu-nbd', ['-k', socket, ...args], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

async function untilReady(socket: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const isReady = await probeReceiver(socket, PROBE_MS, signal).then(
      () => true,
      () => false,
    );
    if (isReady) return;
    await delay(PAUSE_MS, undefined, { signal });
  }
}
