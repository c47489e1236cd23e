import { setTimeout } from 'node:timers/promises';
import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import type { ExportResult, ServedDisk } from '../model/export.ts';
import type { exportBackup } from '../workflows/export-backup.ts';
import type { ExportStatus } from '../workflows/signals.ts';
import { awaitResult, failureOf } from './await-result.ts';
import { NoExportRunningError } from './errors.ts';
import type { TemporalLink } from './temporal-link.ts';

/** How long a worker may take to answer. */
const QUERY_MS = 2_000;
const LOOK_MS = 250;

/** An export that was started, or found: a handle to its workflow. */
export class RunningExport {
  readonly vm: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly #link: TemporalLink;
  readonly #handle: WorkflowHandle<typeof exportBackup>;

  constructor(link: TemporalLink, which: { vm: string; workflowId: string; runId: string }) {
    this.vm = which.vm;
    this.workflowId = which.workflowId;
    this.runId = which.runId;
    this.#link = link;
    this.#handle = link.client.workflow.getHandle<typeof exportBackup>(
      which.workflowId,
      which.runId,
    );
  }

  /** How it stands, and where its disks can be read now; undefined while no worker answers. */
  async status(): Promise<ExportStatus | undefined> {
    return this.#link
      .call(() => this.#handle.query<ExportStatus>('status'), QUERY_MS)
      .catch(() => undefined);
  }

  /** Waits until its disks can be read, and tells where. Rejects as `result` does when it ends before. */
  async served(signal: AbortSignal = new AbortController().signal): Promise<readonly ServedDisk[]> {
    const done = new AbortController();
    const ended = this.result(AbortSignal.any([signal, done.signal])).then(() => []);
    ended.catch(() => undefined);
    try {
      return await Promise.race([ended, this.#looking(done.signal)]);
    } finally {
      done.abort();
    }
  }

  /**
   * Tells it that everything was read: only when this resolves is what was read worth anything. Rejects with
   * `BackupFailedError` when it is not, with `NoExportRunningError` when the export has ended already.
   */
  async complete(): Promise<ExportResult> {
    return this.#decide('complete');
  }

  /** Gives it up: all is undone when this resolves. */
  async discard(): Promise<ExportResult> {
    return this.#decide('discard');
  }

  /** Waits for the end, however long it takes. Rejects with `BackupFailedError` when the export fails. */
  async result(signal: AbortSignal = new AbortController().signal): Promise<ExportResult> {
    return awaitResult(this.#link, this.vm, () => this.#handle.result(), signal);
  }

  async #looking(signal: AbortSignal): Promise<readonly ServedDisk[]> {
    for (;;) {
      const served = (await this.status())?.served ?? [];
      if (served.length > 0) return served;
      await setTimeout(LOOK_MS, undefined, { signal });
    }
  }

  async #decide(update: 'complete' | 'discard'): Promise<ExportResult> {
    const { signal } = new AbortController();
    try {
      return await this.#link.wait(
        () => this.#handle.executeUpdate<ExportResult, []>(update),
        signal,
      );
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw new NoExportRunningError(this.vm);
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      throw failureOf(this.vm, error.cause ?? error);
    }
  }
}
