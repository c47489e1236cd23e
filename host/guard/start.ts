import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { GuardError } from '../errors.ts';
import { abstractName, hold } from '../mutex.ts';
import { makeVmFolders, statePaths, type StatePaths } from '../state-paths.ts';
import { GuardClient } from './client.ts';
import { writeGuardConfig, type GuardConfig } from './config.ts';
import type { Answer } from './protocol.ts';

const startMs = 5_000;
const askMs = 1_000;
const endMs = 8_000;
const lookMs = 20;

/**
 * Sees to it that a guard of this backup lives, and resolves when it answers: adopts the one that does, if it can still
 * hold an instant, else starts one with `command` and the path of its configuration. The guard takes the VM's QMP
 * socket: close your connection to it first, and use `vmSocket` from then on. Fails with `GuardError` within bounded
 * time, also when the guard of another backup lives or an earlier lease is not settled (`settleLease`).
 */
export async function startGuard(
  command: readonly string[],
  config: GuardConfig,
  signal: AbortSignal,
): Promise<void> {
  const paths = statePaths(config.stateDir);
  const { vm } = config;
  await makeVmFolders(paths, vm);
  const limits = {
    signal,
    timeoutMs: startMs + endMs,
    late: () => new GuardError(`${vm}: somebody else is starting a guard`),
  };
  const name = await abstractName(paths, vm, ':start');
  await hold(name, limits, () => adoptOrStart(command, config, paths, signal));
}

async function adoptOrStart(
  command: readonly string[],
  config: GuardConfig,
  paths: StatePaths,
  signal: AbortSignal,
): Promise<void> {
  const { vm, backupId } = config;
  const { guardConfig, guardLog } = paths.vm(vm);
  const there = await askStatus(paths, vm, signal);
  if (there && there.backupId !== backupId)
    throw new GuardError(`${vm}: the guard of backup ${there.backupId} still lives`);
  if (there && ['ready', 'armed'].includes(there.phase)) return;
  if (there) await end(paths, vm, signal);

  await writeGuardConfig(guardConfig, config);
  await launch([...command, guardConfig], guardLog, vm, async () => {
    const status = await askStatus(paths, vm, signal);
    return status?.backupId === backupId;
  });
}

/** Starts the process and resolves when `answers`. One that does not in time is killed: it has promised nothing yet. */
async function launch(
  command: readonly string[],
  logPath: string,
  vm: string,
  answers: () => Promise<boolean>,
): Promise<void> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND } = constants;
  const log = await open(logPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600);
  const [file = '', ...args] = command;
  // A session of its own: what ends the worker's process group does not end the guard. Nothing of the worker's
  // environment but what finds the tools: it may hold secrets, and options that are not meant for the guard.
  const child = spawn(file, args, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { PATH: process.env['PATH'] },
  });
  child.unref();
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, killedBy) => (ended = `it ended with ${code ?? killedBy}`));
  await log.close();
  const until = performance.now() + startMs;
  while (!(await answers())) {
    if (performance.now() >= until) ended ??= `it did not answer within ${startMs} ms`;
    if (ended !== undefined) {
      child.kill('SIGKILL');
      const said = (await readFile(logPath, 'utf8')).trim().slice(-1_000);
      throw new GuardError(`${vm}: the guard cannot be started: ${ended}${said && `: ${said}`}`);
    }
    await delay(lookMs);
  }
}

/** What the VM's guard says of itself; undefined when none answers. */
async function askStatus(
  paths: StatePaths,
  vm: string,
  signal: AbortSignal,
): Promise<Answer<'status'> | undefined> {
  signal.throwIfAborted();
  try {
    await using client = await GuardClient.connect(paths, vm, signal);
    return await client.status(askMs);
  } catch (error) {
    if (error instanceof GuardError) return undefined;
    throw error;
  }
}

/** Lets a guard go whose instant is over. */
async function end(paths: StatePaths, vm: string, signal: AbortSignal): Promise<void> {
  await using client = await GuardClient.connect(paths, vm, signal);
  const { thawed, freed } = await client.end(endMs);
  if (!thawed || !freed)
    throw new GuardError(`${vm}: the guard of an earlier attempt has not freed the VM yet`);
}
