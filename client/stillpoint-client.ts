import { z } from 'zod';
import { connectionOptions, type TemporalAddress } from '../inventory/connection-options.ts';
import type { ExportRequest } from '../model/export.ts';
import { BackupRequest } from '../model/request.ts';
import { SnapshotRequest, type SnapshotResult } from '../model/snapshot.ts';
import {
  BackupRunningError,
  NoBackupRunningError,
  NothingRunningError,
  UsageError,
} from './errors.ts';
import { runningExport, startExport } from './exports.ts';
import { countPollers } from './pollers.ts';
import { RunningBackup, type Update } from './running-backup.ts';
import type { RunningExport } from './running-export.ts';
import { findRun, listRunning, type Run } from './runs.ts';
import { startWorkflow } from './start-workflow.ts';
import { TemporalLink } from './temporal-link.ts';
import type { VmStatus } from './vm-status.ts';
import { taskQueue, workflowIdOf } from './workflow-ids.ts';

/**
 * Starts, follows and cancels backups, snapshots and exports, through Temporal. Every call is answered within 10 s, or rejects with
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

  /**
   * How what runs of a VM stands, be it a backup, a snapshot or an export, else the last of them; undefined when Temporal
   * knows of none. Asks the workflow too, when it runs.
   */
  async getStatus(vm: string): Promise<VmStatus | undefined> {
    const run = await findRun(this.#link, vm, ['backup', 'export']);
    return run?.fullStatus();
  }

  /** How all that runs stands, in the order of the workflow ids. Temporal's list may be a second behind. */
  async listRunning(): Promise<VmStatus[]> {
    const statuses: VmStatus[] = [];
    for (const run of await listRunning(this.#link, ['backup', 'export']))
      statuses.push(await run.fullStatus());
    return statuses.filter(({ state }) => state === 'running');
  }

  /**
   * Asks what runs of a VM, be it a backup, a snapshot or an export, to stop and undo itself; returns before that is done.
   * With `abandon` it does not wait for a host that is gone: the host's worker cleans up when it is back.
   * `NothingRunningError` when nothing runs.
   */
  async cancelRun(
    vm: string,
    { abandon = false }: { readonly abandon?: boolean } = {},
  ): Promise<Run> {
    const run = await findRun(this.#link, vm, ['backup', 'export']);
    if (!run || !(await isRunning(run)) || !(await run.cancel({ abandon })))
      throw new NothingRunningError(vm);
    return run;
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

  /** The backup or snapshot of a VM that runs, a schedule's too, else the last one that we or the Temporal CLI started. */
  async findBackup(vm: string): Promise<RunningBackup | undefined> {
    return (await findRun(this.#link, vm, ['backup'])) as RunningBackup | undefined;
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
}

async function isRunning(backup: Run): Promise<boolean> {
  return (await backup.status()).state === 'running';
}
