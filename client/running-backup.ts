import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import type { BackupResult } from '../model/result.ts';
import type { BackupStatus } from '../workflows/report.ts';
import type { ExportStatus } from '../workflows/signals.ts';
import { numbersOf } from './numbers-of.ts';
import { awaitResult } from './await-result.ts';
import { BackupRefusedError } from './errors.ts';
import { innermostFailure } from './innermost-failure.ts';
import type { TemporalLink } from './temporal-link.ts';
import { statusOf, type VmStatus } from './vm-status.ts';

/** How long a worker may take to answer; without it a status still has what Temporal itself knows. */
const QUERY_MS = 2_000;

/** A step on its host, which may have to wait for the one before it. */
const TELL_MS = 120_000;

/** What a running backup can be told, and answers. */
export type Update = 'resume' | 'abort' | 'setBandwidth';

/** A backup or a snapshot that was started, or a run of any kind that was found: a handle to its workflow. */
export class RunningBackup<Result = BackupResult> {
  readonly vm: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly #link: TemporalLink;
  readonly #handle: WorkflowHandle<() => Promise<Result>>;

  constructor(link: TemporalLink, which: { vm: string; workflowId: string; runId: string }) {
    this.vm = which.vm;
    this.workflowId = which.workflowId;
    this.runId = which.runId;
    this.#link = link;
    this.#handle = link.client.workflow.getHandle<() => Promise<Result>>(
      which.workflowId,
      which.runId,
    );
  }

  /**
   * Waits for the end, however long it takes. Rejects with `BackupFailedError` when the backup fails, and with
   * `TemporalUnreachableError` when the server goes away: the backup goes on all the same, so call it again.
   */
  async result(signal: AbortSignal = new AbortController().signal): Promise<Result> {
    return awaitResult(this.#link, this.vm, () => this.#handle.result(), signal);
  }

  /** How it stands, as Temporal itself knows: no worker is asked. */
  async status(): Promise<VmStatus> {
    return statusOf(await this.#link.call(() => this.#handle.describe()));
  }

  /** The same with what only the workflow knows: its numbers while it runs, what it came to when it has ended. */
  async fullStatus(): Promise<VmStatus> {
    const status = await this.status();
    if (status.state === 'running') {
      const asked = this.#link.call(
        () => this.#handle.query<BackupStatus | ExportStatus>('status'),
        QUERY_MS,
      );
      return { ...(await asked.catch(() => undefined)), ...status };
    }
    const end = await this.#link
      .call(() => this.#handle.result())
      .then(
        (result) => numbersOf(result),
        (error: unknown) => ({ failure: innermostFailure(error) }),
      );
    return { ...end, ...status };
  }

  /**
   * Tells it something that only it can do, and waits until that is done. False when it has ended already; what it refuses
   * is a `BackupRefusedError`.
   */
  async tell(update: Update, ...args: [] | [object]): Promise<boolean> {
    try {
      const options = { args: args as [object] };
      await this.#link.call(
        () => this.#handle.executeUpdate<void, [object]>(update, options),
        TELL_MS,
      );
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      const { type, message } = innermostFailure(error.cause ?? error);
      throw new BackupRefusedError(this.vm, type, message, { cause: error });
    }
  }

  /** Asks it to stop and undo itself; returns before that is done. False when it has ended already. */
  async cancel({ abandon }: { abandon: boolean }): Promise<boolean> {
    try {
      if (abandon) await this.#link.call(() => this.#handle.signal('abandon'));
      await this.#link.call(() => this.#handle.cancel());
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }
}
