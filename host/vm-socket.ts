import { setTimeout as delay } from 'node:timers/promises';
import { QmpBusyError, QmpConnectError, QmpDisconnectedError } from '../qemu/errors.ts';
import { QmpClient } from '../qemu/qmp/client.ts';
import { GuardError } from './errors.ts';
import { GuardClient } from './guard/client.ts';
import type { StatePaths } from './state-paths.ts';

const changeMs = 15_000;
const retryMs = 50;

/** The QMP socket to use now: the relay's while a guard holds the VM's own, else `directQmp`. */
export async function vmSocket(
  paths: StatePaths,
  vm: string,
  directQmp: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    await using guard = await GuardClient.connect(paths, vm, signal);
    return (await guard.status()).relays ? paths.vm(vm).relaySocket : directQmp;
  } catch (error) {
    if (error instanceof GuardError) return directQmp;
    throw error;
  }
}

/**
 * Connects to the VM's QMP, through its guard or directly. A guard that comes or goes meanwhile is waited for, in
 * bounded time; throws what `QmpClient.connect` throws.
 */
export async function connectVm(
  paths: StatePaths,
  vm: string,
  directQmp: string,
  signal: AbortSignal,
): Promise<QmpClient> {
  const until = performance.now() + changeMs;
  for (;;) {
    const socket = await vmSocket(paths, vm, directQmp, signal);
    try {
      return await QmpClient.connect(socket, signal);
    } catch (error) {
      if (performance.now() >= until) throw error;
      const isMute = error instanceof QmpBusyError;
      const hasGone = error instanceof QmpConnectError || error instanceof QmpDisconnectedError;
      // Its guard went, or came, just now. Any other end of a connection is the caller's.
      const relayWent = socket !== directQmp && hasGone;
      const moved = isMute && (await vmSocket(paths, vm, directQmp, signal)) !== socket;
      if (!relayWent && !moved) throw error;
    }
    await delay(retryMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
