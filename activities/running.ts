import { Context } from '@temporalio/activity';
import { dropToken, keepToken } from '../host/task-token.ts';
import type { Progress } from '../model/instant.ts';
import type { HostDependencies } from './dependencies.ts';
import { servedVm } from './vm-site.ts';

/** Short steps cost no heartbeat: each one that reaches the server is an action that Temporal Cloud bills. */
const beatMs = 3_000;

/**
 * Runs an activity's work on a VM with a heartbeat in the background, which carries the last details and brings a
 * cancellation, and ends as cancelled when the work stopped because of one. While it runs its token is kept, so that
 * after the death of this process the next worker can have it tried again at once.
 */
export async function running<T>(
  dependencies: HostDependencies,
  vm: string,
  work: (signal: AbortSignal, beat: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const { cancellationSignal: signal } = context;
  const { paths } = dependencies;
  servedVm(dependencies, vm);
  let latest: Progress | undefined;
  // Beside the work, whose time may be the guest's. A token that is lost costs a heartbeat's time-out.
  const kept = keepToken(paths, vm, context.info.taskToken).catch(() => undefined);
  const timer = setInterval(() => context.heartbeat(latest), beatMs);
  try {
    return await work(signal, (progress) => {
      latest = progress;
    });
  } catch (error) {
    // What the work threw then is only the echo of the cancellation.
    if (signal.aborted) await context.cancelled;
    throw error;
  } finally {
    clearInterval(timer);
    await kept;
    await dropToken(paths, vm, context.info.taskToken).catch(() => undefined);
  }
}
