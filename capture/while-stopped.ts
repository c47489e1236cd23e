import { performance } from 'node:perf_hooks';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { InstantVoidError } from './errors.ts';
import type { StopLease, Taken } from './ports.ts';

/** No command of the instant may take longer; the guard lets the VM go on soon after. */
const stepMs = 5_000;

/**
 * Runs `before`, and then `steps` while the VM stands still; lets it run on afterwards if it ran before. A VM that its
 * operator had paused stays paused. When the VM ran on before `steps` were through, the instant is void
 * (`InstantVoidError`): a filter that went in under a running guest has missed writes.
 */
export async function whileStopped(
  qmp: QmpClient,
  lease: StopLease,
  before: () => Promise<void>,
  steps: () => Promise<void>,
): Promise<Taken> {
  let stoppedAtMs = 0;
  let resumed = false;
  const unlisten = qmp.listen(({ event, timestampMs }) => {
    if (event === 'STOP') stoppedAtMs = timestampMs;
    resumed = event === 'RESUME' || (resumed && event !== 'STOP');
  });
  try {
    const { running } = await qmp.execute('query-status', {});
    // The lease must be on disk before the stop, and so should be what the stop would flush.
    await Promise.all([running ? lease.write() : undefined, before()]);
    const sentAtMs = Date.now();
    const start = performance.now();
    let ours = running;
    try {
      await qmp.execute('stop', {}, { timeoutMs: stepMs });
      // Without a STOP of its own, ours met a VM that somebody had stopped just before: it is theirs to continue.
      ours = running && stoppedAtMs >= sentAtMs;
      await steps();
      if (resumed)
        throw new InstantVoidError('the VM was continued by somebody else during the instant');
    } finally {
      // When this fails the lease stays, and with it the order to continue: the guard's, or the next clean-up's.
      if (ours) await qmp.execute('cont', {}, { timeoutMs: stepMs });
      await lease.clear();
    }
    return {
      takenAt: new Date(sentAtMs).toISOString(),
      pausedMs: ours ? toTenths(performance.now() - start) : 0,
    };
  } finally {
    unlisten();
  }
}

/** The clock is finer than what it measures. */
function toTenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
