import type { Halt } from '../model/halt.ts';
import type { Progress } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';

/** Where the parts of one disk's copy are on this host. */
export type DiskPlace = {
  /** Socket of the receiver that holds the target. */
  readonly targetSocket: string;
  /** Image that keeps what the guest overwrites during the copy. */
  readonly scratchPath: string;
  /** Size of the raw file below the scratch: it can never grow beyond. */
  readonly scratchLimitBytes: number;
};

/** The receivers of this VM, which live outside of QEMU. All calls may be repeated. */
export interface Receivers {
  /** Throws unless the receiver on this socket answers at once. */
  probe(socket: string): Promise<void>;
  /** Ends every one of them, by signal; resolves when they are gone or could not be ended in bounded time. */
  end(): Promise<void>;
  /** Ends every one of them and puts a sink in its place, so that neither the monitor nor a guest write waits for it. */
  replace(): Promise<void>;
  /** Puts a sink in the place of each receiver of these disks that has died, so that guest writes waiting for it go on. */
  substituteDead(
    disks: readonly { readonly index: number; readonly virtualBytes: number }[],
  ): Promise<void>;
}

/** What a capture step works on. */
export type CaptureContext = {
  readonly qmp: QmpClient;
  readonly plan: BackupPlan;
  readonly places: readonly DiskPlace[];
  /** Where QEMU serves what we alone read. */
  readonly exportSocket: string;
  readonly receivers: Receivers;
  readonly signal: AbortSignal;
};

/** The record that a VM is stopped by us. Written before `stop`, removed after `cont`; the guard reads it. */
export interface StopLease {
  write(): Promise<void>;
  clear(): Promise<void>;
}

/**
 * Follows the copy until it is complete (undefined), or until a job stands still and an operator has to say what is to
 * become of it, and reports how far it is; `onLook` may end it by throwing. `wishedSpeed` is asked at each look. May be called
 * again by anyone: all it knows it reads from QEMU. A job that failed is a `BlockJobError`, a target without progress for too
 * long a `TargetStalledError`. `makeDurable` is awaited where jobs cannot be taken back once they have ended, before they
 * may: what it throws leaves all as it was.
 */
export type Watch = (
  context: Pick<CaptureContext, 'qmp' | 'plan' | 'places' | 'exportSocket' | 'signal'> & {
    readonly makeDurable: () => Promise<void>;
  },
  onLook: (progress: Progress) => Promise<void>,
  wishedSpeed?: () => Promise<number | undefined>,
) => Promise<Halt | undefined>;

/** What one attempt at the instant did. */
export type Taken = { readonly takenAt: string; readonly pausedMs: number };

/**
 * A way to back up on one QEMU; one file per tier. Every step may be called again after a death of its caller.
 * `takeInstant` and `startCopy` do not resume: they throw `LeftoversError` when they find traces of themselves.
 */
export interface Capture {
  /** Adds what the VM needs before the instant, and proves that QEMU reaches each target. */
  prepare(context: CaptureContext): Promise<void>;
  /** One point in time for all disks: from here on, changes go into the new segments. */
  takeInstant(context: CaptureContext, lease: StopLease): Promise<Taken>;
  /** Starts the copy of the instant's content to the targets. */
  startCopy(context: CaptureContext): Promise<void>;
  /** Waits until every job has copied all. What is not finalized yet `commitCopy` does. */
  readonly watch: Watch;
}
