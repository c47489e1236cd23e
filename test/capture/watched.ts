import { watchJobs } from '../../capture/watch.ts';
import type { Progress } from '../../model/instant.ts';
import { ourName } from '../../model/names.ts';
import type { BackupPlan } from '../../model/plan.ts';
import { FakeVm } from './fake-vm.ts';
import { diskPlan, samplePlan, wednesday } from './sample.ts';
import { putFleecingCopy } from './scenes.ts';

const twoDisks = { disks: [diskPlan(0), diskPlan(1)] };
/** From QEMU 10.0 on. */
export const onePass = samplePlan({ ...twoDisks, secondPass: false });
/** Below QEMU 10.0. */
export const twoPasses = samplePlan({ ...twoDisks, secondPass: true });

export const [j0, j1] = [ourName(wednesday, 0, 'j'), ourName(wednesday, 1, 'j')] as const;
export const [k0, k1] = [ourName(wednesday, 0, 'k'), ourName(wednesday, 1, 'k')] as const;
export const pending = { status: 'pending' };
export const concluded = { status: 'concluded' };

type Happening = (vm: FakeVm) => void;

/** A change of one job, for `watch`. */
export function changes(id: string, is: Parameters<FakeVm['jobs']['change']>[1]): Happening {
  return ({ jobs }) => jobs.change(id, is);
}

export const bothPending = [changes(j0, pending), changes(j1, pending)];

/** The copy of two disks. What a test gives happens to the jobs, one after each look at them. */
export async function watch(
  plan: BackupPlan,
  happens: readonly Happening[] = [],
  { vm = copying(), signal = new AbortController().signal } = {},
) {
  const reports: Progress[] = [];
  const qmp = await vm.open();
  const left = [...happens];
  const onLook = async (progress: Progress) => {
    reports.push(progress);
    left.shift()?.(vm);
  };
  const error = await watchJobs({ qmp, plan, signal }, onLook).catch((e: unknown) => e);
  return { vm, reports, error };
}

export function copying(): FakeVm {
  const vm = new FakeVm();
  putFleecingCopy(vm, 0, 1);
  return vm;
}
