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
  let stopped = false;
  let resumed = false;
  const unlisten = qmp.listen(({ event, timestampMs }) => {
    if (event === 'STOP') stoppedAtMs = timestampMs;
    if (event === 'RESUME') resumed = true;
    // Our own STOP makes a RESUME before it good. A later one does not: the VM ran in between.
    if (event === 'STOP' && !stopped) resumed = false;
  });
  try {
    const { running } = await qmp.execute('query-status', {});
    // The lease must be on disk before the stop, and so should be what the stop would flush.
    await prepared(running, lease, before);
    const sentAtMs = Date.now();
    const start = performance.now();
    let ours = running;
    let pausedMs = 0;
    try {
      await qmp.execute('stop', {}, { timeoutMs: stepMs });
      // Without a STOP of its own, ours met a VM that somebody had stopped just before: it is theirs to continue.
      ours = running && stoppedAtMs >= sentAtMs;
      stopped = true;
      await steps();
      if (resumed)
        throw new InstantVoidError('the VM was continued by somebody else during the instant');
    } finally {
      // When this fails the lease stays, and with it the order to continue: the guard's, or the next clean-up's.
      if (ours) {
        await qmp.execute('cont', {}, { timeoutMs: stepMs });
        pausedMs = toTenths(performance.now() - start);
      }
      await lease.clear();
    }
    return { takenAt: new Date(sentAtMs).toISOString(), pausedMs };
  } finally {
    unlisten();
  }
}

async function prepared(
  running: boolean,
  lease: StopLease,
  before: () => Promise<void>,
): Promise<void> {
  const [written, done] = await Promise.allSettled([running ? lease.write() : undefined, before()]);
  if (written.status === 'rejected') throw written.reason;
  if (done.status === 'fulfilled') return;
  // Nothing was stopped: whoever finds the VM paused later must not continue it.
  await lease.clear();
  throw done.reason;
}

/** The clock is finer than what it measures. */
function toTenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
