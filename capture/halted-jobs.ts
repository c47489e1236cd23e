import { performance } from 'node:perf_hooks';
import type { OnError } from '../model/choices.ts';
import type { Halt } from '../model/halt.ts';
import { parseOurName } from '../model/names.ts';
import type { BackupPlan } from '../model/plan.ts';
import { BlockJobError } from '../qemu/errors.ts';
import type { QmpEvent } from '../qemu/qmp/events.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { bytesLeft, type Passes } from './passes.ts';
import { tolerant } from './tolerant.ts';

type Operation = 'read' | 'write';

/** A job that QEMU paused for an error. It goes on, and does again what failed, when it is resumed. */
export type HaltedJob = { readonly id: string; readonly error: 'no-space' | 'failed' };

/** Whether an error can pause the jobs of this backup. */
export function mayHalt({ tier, onSourceError, onTargetError }: BackupPlan): boolean {
  if (tier === 'merge' || tier === 'grouped') return true;
  return [onSourceError, onTargetError].some(
    (policy) => policy !== undefined && policy !== 'report',
  );
}

/** Some jobs stop at any error. They have failed (`BlockJobError`), unless such an error is one to wait at. */
export function refuseHalted(
  { onSourceError, onTargetError }: BackupPlan,
  halted: readonly HaltedJob[],
): void {
  for (const { id, error } of halted)
    if (!pausesAt(onSourceError, error) && !pausesAt(onTargetError, error))
      throw new BlockJobError(
        id,
        error === 'no-space' ? 'No space left on device' : 'Input/output error',
      );
}

/** The jobs of this backup that stand still because of an error. One that somebody has paused is not among them. */
export async function haltedJobs(qmp: QmpClient, { backupId }: BackupPlan): Promise<HaltedJob[]> {
  const jobs = await qmp.execute('query-block-jobs', {});
  return jobs.flatMap(({ device: id, paused, 'io-status': status = 'ok' }) =>
    paused && status !== 'ok' && parseOurName(id)?.backupId === backupId
      ? [{ id, error: status === 'nospace' ? 'no-space' : 'failed' }]
      : [],
  );
}

/** Has them do again what failed. One that runs already, or has ended meanwhile, is left alone. */
export async function resumeJobs(qmp: QmpClient, jobs: readonly HaltedJob[]): Promise<void> {
  for (const { id } of jobs) await tolerant(qmp.execute('job-resume', { id }));
}

/** A little less than the looks of a watch are apart. */
const restMs = 900;

/** Resumes jobs again and again, but gives them a rest between: what QEMU tells of each attempt wakes the watch at once. */
export class Retries {
  #lastMs = -Infinity;

  async resume(qmp: QmpClient, jobs: readonly HaltedJob[], nowMs = performance.now()) {
    if (jobs.length === 0 || nowMs - this.#lastMs < restMs) return;
    this.#lastMs = nowMs;
    await resumeJobs(qmp, jobs);
  }
}

/** What the jobs of a backup could not do last, by job. QEMU tells it only as it happens. */
export class JobErrors {
  readonly #operations = new Map<string, Operation>();

  see({ event, data }: QmpEvent): void {
    const { device, operation } = data;
    if (event !== 'BLOCK_JOB_ERROR' || typeof device !== 'string') return;
    if (operation === 'read' || operation === 'write') this.#operations.set(device, operation);
  }

  of(id: string): Operation | undefined {
    return this.#operations.get(id);
  }
}

/** Whether a job is to stand still at such an error, rather than to fail. */
export function pausesAt(policy: OnError | undefined, error: HaltedJob['error']): boolean {
  return policy === 'stop' || policy === 'ignore' || (policy === 'enospc' && error === 'no-space');
}

/** Whether that error is one to go on from without an operator. What could be either is left to him. */
export function isIgnored(plan: BackupPlan, { id, error }: HaltedJob, errors: JobErrors): boolean {
  const operation = errors.of(id);
  const policies = [
    ...(operation === 'write' ? [] : [plan.onSourceError]),
    ...(operation === 'read' ? [] : [plan.onTargetError]),
  ].filter((policy) => pausesAt(policy, error));
  return policies.length > 0 && policies.every((policy) => policy === 'ignore');
}

/** What an operator has to know of them. */
export function haltOf(
  plan: BackupPlan,
  passes: Passes,
  halted: readonly HaltedJob[],
  errors: JobErrors,
): Halt {
  const disks = halted.map(({ id, error }) => {
    const index = parseOurName(id)?.disk;
    const device = plan.disks.find((disk) => disk.index === index)?.device ?? id;
    const operation = errors.of(id);
    return { device, error, ...(operation && { operation }) };
  });
  return { disks, neededBytes: bytesLeft(passes, plan) };
}
