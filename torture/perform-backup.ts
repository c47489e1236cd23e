import { setTimeout as delay } from 'node:timers/promises';
import { BackupFailedError, BackupRunningError } from '../client/errors.ts';
import type { RunningBackup } from '../client/running-backup.ts';
import type { BackupRequest } from '../model/request.ts';
import type { BackupResult } from '../model/result.ts';
import type { Actor } from './actor.ts';
import type { Published } from './check.ts';
import { Miss } from './miss.ts';
import { PlannedFault } from './planned-fault.ts';
import type { Backup, FaultKind } from './story.ts';
import type { Theatre } from './theatre.ts';
import { Writer } from './writer.ts';

/** No fault is waited out for longer than this. */
const endMs = 240_000;

/** So slow that a backup of some tens of MiB has a middle. */
const pacedBytesPerSecond = 4 * 1024 ** 2;

/** How a backup went: what Temporal says of it, and what happened to it meanwhile. */
export type Performance = {
  readonly backup: Backup;
  readonly outcome:
    | { readonly result: BackupResult }
    | { readonly type: string; readonly message: string };
  /** The fault, if it struck while the backup ran. */
  readonly struck: FaultKind | undefined;
  /** Something that serves all VMs was struck by the story of another one. */
  readonly disturbed: boolean;
  /** Writes of the guest that QEMU failed. */
  readonly failedWrites: readonly string[];
  /** The places of the disks whose changes were tracked before it. */
  readonly tracked: readonly number[];
  /** How many instants it took. */
  readonly instants: number;
};

/** Takes one backup as the story says, with its writes and its fault, and repairs what that has broken. */
export async function performBackup(
  theatre: Theatre,
  actor: Actor,
  backup: Backup,
  past: readonly Published[],
): Promise<Performance> {
  const { instants } = actor;
  const slow = backup.slow && !isPaced(theatre);
  const fault = new PlannedFault(backup.fault, slow, { theatre, actor });
  const tracked = actor.disks.filter((disk) => disk.tracked).map(({ index }) => index);
  const before = { faults: theatre.commonFaults, instants: instants.taken.length };
  instants.watch = fault;
  actor.shield = backup.shield;
  const writer = Writer.start(actor, backup.during, () => mayWait(actor, backup, fault));
  let outcome: Performance['outcome'];
  try {
    const request = requestOf(theatre, actor, backup, past);
    outcome = await endOf(theatre, await started(theatre, request));
  } finally {
    instants.watch = undefined;
    await writer.stop();
    await fault.end();
  }
  await actor.revive();
  return {
    backup,
    outcome,
    struck: fault.struckAt === undefined ? undefined : backup.fault?.kind,
    disturbed: theatre.commonFaults > before.faults,
    failedWrites: writer.failures,
    tracked,
    instants: instants.taken.length - before.instants,
  };
}

/** Without a shield the guest waits for a target that hangs, as documented: no story is told of it here. */
function mayWait(
  { goesOnAside }: Actor,
  { shield, fault }: Backup,
  { struckAt }: PlannedFault,
): boolean {
  const mute = fault?.kind === 'receiver stopped' || fault?.kind === 'target hung';
  // A write that is on its way when it strikes must not keep the monitor.
  return shield === 'none' && mute && (struckAt !== undefined || !goesOnAside);
}

/**
 * Whether the product itself has to make a copy slow: where the worker carries it, or where a job sleeps off what it and
 * the guest have copied too fast, and does not wake when its limit is lifted.
 */
function isPaced({ tier }: Theatre): boolean {
  return tier === 'fleece-job' || tier === 'grouped';
}

function requestOf(
  theatre: Theatre,
  { name }: Actor,
  backup: Backup,
  past: readonly Published[],
): BackupRequest {
  const { kind, shield, since, slow } = backup;
  const chosen = since === undefined ? undefined : past[since % Math.max(1, past.length)];
  const from = kind === 'differential' && chosen ? { since: chosen.backupId } : {};
  const pace = slow && isPaced(theatre) ? { maxBytesPerSecond: pacedBytesPerSecond } : {};
  return { vm: name, kind, shield, ...from, ...pace };
}

/** Starts it, however often the server has to be asked. */
async function started({ client }: Theatre, request: BackupRequest): Promise<RunningBackup> {
  for (const until = performance.now() + endMs; ; await delay(200)) {
    try {
      return await client.startBackup(request);
    } catch (error) {
      // The server had it, and went away before it said so.
      const running = error instanceof BackupRunningError && (await client.findBackup(request.vm));
      if (running) return running;
      if (performance.now() > until) throw error;
    }
  }
}

async function endOf(theatre: Theatre, backup: RunningBackup): Promise<Performance['outcome']> {
  for (const deadline = AbortSignal.timeout(endMs); ; await delay(200)) {
    try {
      return { result: await backup.result(deadline) };
    } catch (error) {
      if (error instanceof BackupFailedError) return { type: error.type, message: error.message };
      if (!deadline.aborted) continue;
      const status = await theatre.client.getStatus(backup.vm).catch(() => undefined);
      throw new Miss(`${backup.vm}: no end within ${endMs} ms: ${JSON.stringify(status)}`);
    }
  }
}
