import { fileURLToPath } from 'node:url';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { InstantRecord } from '../model/instant.ts';
import type { Manifest, RepositoryMark } from '../model/manifest.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { Call, CallArguments, CallResult } from './calls.ts';
import type { Survey } from './list.ts';
import type { Origin } from './publish.ts';
import { RemoteChildren } from './remote-children.ts';
import type { CallOptions, ReadingOptions, Repository } from './repository.ts';

/** The longest silence of a call, in milliseconds, where the caller does not say. */
const deadlinesMs: Record<Call, number> = {
  open: 15_000,
  list: 60_000,
  survey: 60_000,
  checkSpace: 15_000,
  prepare: 15_000,
  // Between two signs of progress may lie the fsync of a whole disk.
  publish: 120_000,
  recordCheckpoint: 30_000,
  forgetCheckpoint: 15_000,
  listPartials: 15_000,
  // What it began to remove goes on being removed; the rollback of a VM does not wait longer for it.
  removePartial: 30_000,
  delete: 120_000,
  verify: 60_000,
};

/** Calls that may take long: each has a child of its own. */
const longCalls: ReadonlySet<Call> = new Set(['publish', 'removePartial', 'delete', 'verify']);

/** How children are started. Both have good defaults where this file is built. */
export type RemoteOptions = {
  /** The built `child.js`. */
  readonly entry?: string;
  /** How many killed children may hang in the kernel before calls fail at once. */
  readonly maxAbandoned?: number;
};

/**
 * A repository that only child processes touch: one that hangs, as a dead network file system does, hangs them and
 * not the caller. A child that does not answer in time is killed and left alone, and the next call has a new one.
 * When too many of them are still there, because the kernel does not let them go, calls fail at once until one goes.
 */
export class RemoteRepository implements Repository {
  readonly folder: string;
  readonly #children: RemoteChildren;

  constructor(folder: string, options: RemoteOptions = {}) {
    const entry = options.entry ?? fileURLToPath(new URL('./child.js', import.meta.url));
    this.folder = folder;
    this.#children = new RemoteChildren(folder, entry, options.maxAbandoned ?? 4);
  }

  async open(create: boolean, options?: CallOptions): Promise<RepositoryMark> {
    return this.#ask('open', { create }, options);
  }

  async list(vm?: string, options?: CallOptions): Promise<readonly Manifest[]> {
    return this.#ask('list', { vm }, options);
  }

  async survey(vm?: string, options?: CallOptions): Promise<Survey> {
    return this.#ask('survey', { vm }, options);
  }

  async checkSpace(neededBytes: number, options?: CallOptions): Promise<void> {
    return this.#ask('checkSpace', { neededBytes }, options);
  }

  async prepare(vm: string, backupId: string, options?: CallOptions): Promise<string> {
    return this.#ask('prepare', { vm, backupId }, options);
  }

  async publish(
    plan: BackupPlan,
    instant: InstantRecord,
    origin: Origin,
    options?: ReadingOptions,
  ): Promise<Manifest> {
    return this.#ask('publish', { plan, instant, origin }, options);
  }

  async recordCheckpoint(
    plan: BackupPlan,
    instant: InstantRecord,
    origin: Origin,
    keep: number,
    options?: CallOptions,
  ): Promise<Checkpoint> {
    return this.#ask('recordCheckpoint', { plan, instant, origin, keep }, options);
  }

  async forgetCheckpoint(vm: string, backupId: string, options?: CallOptions): Promise<void> {
    return this.#ask('forgetCheckpoint', { vm, backupId }, options);
  }

  async listPartials(vm: string, options?: CallOptions): Promise<string[]> {
    return this.#ask('listPartials', { vm }, options);
  }

  async removePartial(vm: string, backupId: string, options?: CallOptions): Promise<void> {
    return this.#ask('removePartial', { vm, backupId }, options);
  }

  async delete(vm: string, backupId: string, options?: CallOptions): Promise<void> {
    return this.#ask('delete', { vm, backupId }, options);
  }

  async verify(vm: string, backupId: string, options?: ReadingOptions): Promise<void> {
    return this.#ask('verify', { vm, backupId }, options);
  }

  close(): void {
    this.#children.close();
  }

  async #ask<C extends Call>(
    call: C,
    args: CallArguments<C>,
    options: ReadingOptions = {},
  ): Promise<CallResult<C>> {
    const deadlineMs = options.deadlineMs ?? deadlinesMs[call];
    const lend = longCalls.has(call) ? 'lend' : 'share';
    return this.#children[lend](
      async (child) => child.call(call, args, deadlineMs, options) as Promise<CallResult<C>>,
    );
  }
}
