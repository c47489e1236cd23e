import { QmpBusyError, QmpConnectError, QmpTimeoutError } from '../qemu/errors.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { connectVm, type VmSite } from './vm-site.ts';

/**
 * Connects to QEMU to free it; undefined when it is gone, and all of ours with it. A monitor that does not answer may
 * wait for a mute receiver: each gets a sink in its place, and it is tried once more.
 */
export async function reachQemu(site: VmSite): Promise<QmpClient | undefined> {
  try {
    return await connectVm(site);
  } catch (error) {
    if (error instanceof QmpConnectError && isGone(error.cause)) return undefined;
    if (!(error instanceof QmpBusyError || error instanceof QmpTimeoutError)) throw error;
    await site.receivers.replace();
    return connectVm(site);
  }
}

/** Nobody listens: QEMU has ended. A socket that we may not open says nothing of the kind. */
function isGone(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}
