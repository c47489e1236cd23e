import { WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { connectionOptions, type TemporalAddress } from '../inventory/connection-options.ts';
import type { ExportRequest } from '../model/export.ts';
import { BackupRequest } from '../model/request.ts';
import { SnapshotRequest, type SnapshotResult } from '../model/snapshot.ts';
import { BackupRunningError, NoBackupRunningError, UsageError } from './errors.ts';
import { runningExport, startExport } from './exports.ts';
import { countPollers } from './pollers.ts';
import { RunningBackup, type Update } from './running-backup.ts';
import type { RunningExport } from './running-export.ts';
import { startWorkflow } from './start-workflow.ts';
import { TemporalLink } from './temporal-link.ts';
import type { VmStatus } from './vm-status.ts';
import { taskQueue, vmOf, workflowIdOf } from './workflow-ids.ts';

/**
 * Starts, follows and cancels backups, through Temporal. Every call is answered within 10 s, or rejects with
 * `TemporalUnreachableError`. Close it when done, or bind it with `await using`.
 */
export class StillpointClient implements AsyncDisposable {
  readonly #link: TemporalLink;

  private constructor(link: TemporalLink) {
    this.#link = link;
  }

  /** Connects, by default as `TEMPORAL_*` variables and the Temporal CLI's profile say. Rejects after `timeoutMs` (5 s). */
  static async connect(
    address: TemporalAddress = connectionOptions(),
    timeoutMs = 5_000,
  ): Promise<StillpointClient> {
    return new StillpointClient(await TemporalLink.open(address, timeoutMs));
  }

  /**
   * Starts a backup. A request that makes no sense is a `UsageError`; when one runs already, `BackupRunningError`.
   * Returns once Temporal has it: from then on it happens, with or without this process.
   */
  async startBackup(request: BackupRequest): Promise<RunningBackup> {
    const parsed = BackupRequest.safeParse(request);
    if (!parsed.success) throw new UsageError(z.prettifyError(parsed.error));
    const { vm, kind } = parsed.data;
    return this.#start(vm, {
      type: 'backupVm',
      request,
      staticSummary: `Backup of ${vm} (${kind})`,
      staticDetails: `Follow it: \`stillpoint status ${vm}\`. Cancel it: \`stillpoint cancel ${vm}\`, which undoes it.`,
    });
  }

  /** Takes an external snapshot of all disks of a VM. Errors and promises are those of `startBackup`. */
  async startSnapshot(request: SnapshotRequest): Promise<RunningBackup<SnapshotResult>> {
    const parsed = SnapshotRequest.safeParse(request);
    if (!parsed.success) throw new UsageError(z.prettifyError(parsed.error));
    const { vm } = parsed.data;
    return this.#start(vm, {
      type: 'snapshotVm',
      request,
      staticSummary: `Snapshot of ${vm}`,
      staticDetails: `Follow it: \`stillpoint status ${vm}\`.`,
    });
  }

  /** How the latest backup of a VM stands; undefined when Temporal knows of none. Asks the workflow too, when it runs. */
  async getStatus(vm: string): Promise<VmStatus | undefined> {
    const backup = await this.findBackup(vm);
    return backup?.fullStatus();
  }

  /** How all running backups stand, in the order of their names. Temporal's list may be a second behind. */
  async listRunning(): Promise<VmStatus[]> {
    const statuses: VmStatus[] = [];
    for (const backup of await this.#running()) statuses.push(await backup.fullStatus());
    return statuses.filter(({ state }) => state === 'running');
  }

  /**
   * Asks a running backup to stop and undo itself; returns before that is done. With `abandon` it does not wait for a
   * host that is gone: the host's worker cleans up when it is back. `NoBackupRunningError` when none runs.
   */
  async cancelBackup(
    vm: string,
    { abandon = false }: { readonly abandon?: boolean } = {},
  ): Promise<RunningBackup> {
    const backup = await this.findBackup(vm);
    if (!backup || !(await isRunning(backup)) || !(await backup.cancel({ abandon })))
      throw new NoBackupRunningError(vm);
    return backup;
  }

  /**
   * Has a backup that waits for an operator try again. Room is looked for first, where it was wanting: too little is a
   * `BackupRefusedError`, unless `force` says not to look. `NoBackupRunningError` when none runs.
   */
  async resumeBackup(
    vm: string,
    { force = false }: { readonly force?: boolean } = {},
  ): Promise<RunningBackup> {
    return this.#tell(vm, 'resume', { force });
  }

  /** Has a backup that waits for an operator undo itself; returns before that is done. Refused as `resumeBackup` is. */
  async abortBackup(vm: string): Promise<RunningBackup> {
    return this.#tell(vm, 'abort');
  }

  /**
   * Limits how fast each disk of a running backup is copied from now on, in bytes per second: 65,536 at least, 0 is no limit.
   * Returns when its host knows. `NoBackupRunningError` when none runs; what it refuses is a `BackupRefusedError`.
   */
  async setBandwidth(vm: string, bytesPerSecond: number): Promise<RunningBackup> {
    return this.#tell(vm, 'setBandwidth', { bytesPerSecond });
  }

  /** The backup of a VM that runs, a schedule's too, else the last one that we or the Temporal CLI started. */
  async findBackup(vm: string): Promise<RunningBackup | undefined> {
    const workflowId = workflowIdOf(vm);
    const latest = await this.#latest(vm, workflowId);
    if (latest && (await isRunning(latest))) return latest;
    const running = await this.#running();
    return running.find((backup) => backup.vm === vm) ?? latest;
  }

  /** @see startExport */
  async startExport(request: ExportRequest): Promise<RunningExport> {
    return startExport(this.#link, request);
  }

  /** The export of a VM that runs. `NoExportRunningError` when none does. */
  async findExport(vm: string): Promise<RunningExport> {
    return runningExport(this.#link, vm);
  }

  /** How many workers poll a task queue, by default the one that takes the workflows. */
  async countPollers(
    queue: string = taskQueue,
    kind: 'workflow' | 'activity' = 'workflow',
  ): Promise<number> {
    const { client, namespace } = this.#link;
    return this.#link.call(() => countPollers(client.workflowService, namespace, queue, kind));
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #tell(vm: string, update: Update, ...args: [] | [object]): Promise<RunningBackup> {
    const backup = await this.findBackup(vm);
    if (!backup || !(await isRunning(backup)) || !(await backup.tell(update, ...args)))
      throw new NoBackupRunningError(vm);
    return backup;
  }

  async #start<Result>(
    vm: string,
    what: Pick<
      Parameters<typeof startWorkflow>[1],
      'type' | 'request' | 'staticSummary' | 'staticDetails'
    >,
  ): Promise<RunningBackup<Result>> {
    const which = await startWorkflow(this.#link, {
      vm,
      workflowId: workflowIdOf(vm),
      busy: (...running) => new BackupRunningError(...running),
      ...what,
    });
    return new RunningBackup<Result>(this.#link, which);
  }

  async #latest(vm: string, workflowId: string): Promise<RunningBackup | undefined> {
    try {
      const handle = this.#link.client.workflow.getHandle(workflowId);
      const { runId } = await this.#link.call(() => handle.describe());
      return new RunningBackup(this.#link, { vm, workflowId, runId });
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  async #running(): Promise<RunningBackup[]> {
    const query = `WorkflowType IN ('backupVm', 'snapshotVm') AND ExecutionStatus = 'Running'`;
    return this.#link.call(async () => {
      const found: RunningBackup[] = [];
      for await (const { workflowId, runId } of this.#link.client.workflow.list({ query })) {
        const vm = vmOf(workflowId);
        if (vm !== undefined) found.push(new RunningBackup(this.#link, { vm, workflowId, runId }));
      }
      return found.toSorted((a, b) => (a.workflowId < b.workflowId ? -1 : 1));
    });
  }
}

async function isRunning(backup: RunningBackup): Promise<boolean> {
  return (await backup.status()).state === 'running';
}
