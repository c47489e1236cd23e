import { WorkflowNotFoundError } from '@temporalio/client';
import type { ExportResult } from '../model/export.ts';
import type { BackupResult } from '../model/result.ts';
import type { SnapshotResult } from '../model/snapshot.ts';
import { RunningBackup } from './running-backup.ts';
import type { TemporalLink } from './temporal-link.ts';
import { exportIdOf, vmOf, workflowIdOf } from './workflow-ids.ts';

/** A run of any kind, by a handle that can tell how it stands and cancel it. */
export type Run = RunningBackup<BackupResult | SnapshotResult | ExportResult>;

/** The kinds of runs: the id that theirs have, and the types of their workflows. */
const kinds = {
  backup: { idOf: workflowIdOf, types: ['backupVm', 'snapshotVm'] },
  export: { idOf: exportIdOf, types: ['exportBackup'] },
} as const;

export type RunKind = keyof typeof kinds;

/**
 * The run of a VM that goes on, a schedule's too, else the one that ended last of what we or the Temporal CLI started. Of two that go on
 * it is the one that began first: that has the VM, and the other is being refused.
 */
export async function findRun(
  link: TemporalLink,
  vm: string,
  among: readonly RunKind[],
): Promise<Run | undefined> {
  const found: Found[] = [];
  for (const kind of among) {
    const latest = await latestOf(link, vm, kinds[kind].idOf(vm));
    if (latest) found.push(latest);
  }
  const running = found.filter(({ closeTime }) => !closeTime).toSorted(byStart);
  if (running[0]) return running[0].run;
  const listed = await listRunning(link, among);
  return listed.find((run) => run.vm === vm) ?? found.toSorted(byEnd).at(-1)?.run;
}

/** All that go on, in the order of their workflow ids. Temporal's list may be a second behind. */
export async function listRunning(link: TemporalLink, among: readonly RunKind[]): Promise<Run[]> {
  const types = among.flatMap((kind) => kinds[kind].types.map((type) => `'${type}'`));
  const query = `WorkflowType IN (${types.join(', ')}) AND ExecutionStatus = 'Running'`;
  return link.call(async () => {
    const found: Run[] = [];
    for await (const { workflowId, runId } of link.client.workflow.list({ query })) {
      const vm = vmOf(workflowId);
      if (vm !== undefined) found.push(new RunningBackup(link, { vm, workflowId, runId }));
    }
    return found.toSorted((a, b) => (a.workflowId < b.workflowId ? -1 : 1));
  });
}

type Found = { readonly run: Run; readonly startTime: Date; readonly closeTime: Date | undefined };

const byStart = (a: Found, b: Found) => a.startTime.getTime() - b.startTime.getTime();

const byEnd = (a: Found, b: Found) => (a.closeTime?.getTime() ?? 0) - (b.closeTime?.getTime() ?? 0);

async function latestOf(
  link: TemporalLink,
  vm: string,
  workflowId: string,
): Promise<Found | undefined> {
  try {
    const handle = link.client.workflow.getHandle(workflowId);
    const { runId, startTime, closeTime } = await link.call(() => handle.describe());
    const run = new RunningBackup(link, { vm, workflowId, runId });
    return { run, startTime, closeTime };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
