import type { Shield } from '../model/choices.ts';
import type { Progress } from '../model/instant.ts';
import { ourName } from '../model/names.ts';
import type { BackupPlan } from '../model/plan.ts';
import { BlockJobError } from '../qemu/errors.ts';
import type { Job } from './vm-state.ts';

/** The jobs of one pass over all disks: those that QEMU has, and those that it has not. */
export type Pass = { readonly found: Job[]; readonly missing: string[] };

/** Where a copy stands. */
export type Passes = { readonly first: Pass; readonly second: Pass; readonly last: Pass };

/** Sorts the jobs of a backup: `last` is the pass after which the copy is complete. */
export function passesOf(plan: BackupPlan, jobs: readonly Job[]): Passes {
  const [first, second] = [jobsOf(plan, jobs, 'j'), jobsOf(plan, jobs, 'k')];
  return { first, second, last: plan.secondPass && plan.shield === 'fleece' ? second : first };
}

/** Throws a `BlockJobError` when a job has failed, vanished, or ended before its pass may be through. */
export function refuseBroken({ first, second, last }: Passes, shield: Shield): void {
  refuseBrokenPass(first, second.found.length > 0 || last === second, shield);
  if (last === second && second.found.length > 0) refuseBrokenPass(second, false, shield);
}

/** Bytes of both passes; a second pass that is still to come counts nothing. */
export function progressOf({ first, second }: Passes, plan: BackupPlan): Progress {
  const all = [...first.found, ...second.found];
  const doneBytes = sum(all.map((job) => job['current-progress']));
  const totalBytes = sum(all.map((job) => job['total-progress']));
  const halfway = plan.secondPass && second.found.length === 0 ? 99 : 100;
  const percent = totalBytes === 0 ? halfway : Math.floor((halfway * doneBytes) / totalBytes);
  return { doneBytes, totalBytes, percent };
}

/** What is still to be written to the targets, at most: a first pass passes over what holds only zeroes. */
export function bytesLeft({ first, second }: Passes, plan: BackupPlan): number {
  const ofFirst = plan.disks.map(({ index, expectedBytes }) => {
    const job = first.found.find(({ id }) => id === ourName(plan.backupId, index, 'j'));
    return job ? Math.min(leftOf(job), expectedBytes) : 0;
  });
  return sum([...ofFirst, ...second.found.map(leftOf)]);
}

function leftOf(job: Job): number {
  return Math.max(0, job['total-progress'] - job['current-progress']);
}

function jobsOf(plan: BackupPlan, jobs: readonly Job[], role: 'j' | 'k'): Pass {
  const names = plan.disks.map(({ index }) => ourName(plan.backupId, index, role));
  return {
    found: jobs.filter(({ id }) => names.includes(id)),
    missing: names.filter((name) => !jobs.some(({ id }) => id === name)),
  };
}

/** A snapshot that breaks for want of room answers "Permission denied", which tells nobody. */
const scratchHint =
  'a copy ends like this too when its scratch is full: then raise scratchBytes, or back up when the guest writes less';

/** A job that ended by itself has failed, or somebody cancelled it. Where the pass may be through, its end is fine. */
function refuseBrokenPass({ found, missing }: Pass, mayBeThrough: boolean, shield: Shield): void {
  for (const { id, status, error } of found) {
    if (error !== undefined)
      throw new BlockJobError(id, shield === 'fleece' ? `${error} (${scratchHint})` : error);
    if (status === 'aborting' || status === 'null' || (status === 'concluded' && !mayBeThrough))
      throw new BlockJobError(id, 'ended before the copy was complete');
  }
  const gone = missing[0];
  if (gone !== undefined) throw new BlockJobError(gone, 'is not in the VM any more');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
