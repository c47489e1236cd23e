import { execa } from 'execa';
import { findGuard } from '../host/guard/find-guard.ts';
import { findReceivers } from '../qemu/receiver/find-receivers.ts';
import type { Actor } from './actor.ts';
import type { FaultKind } from './story.ts';
import type { Replacement, Theatre } from './theatre.ts';

/** What a fault has left that has to be ended when its backup has. */
export type Effect = { end(): Promise<void> };

const nothing: Effect = { end: async () => {} };
/** Longer than the guard lets a VM stand still. */
const workerStoppedMs = 3_500;
/** Longer than a target may stall. */
const targetGoneMs = 5_000;

/** Strikes now. Undefined when there is nothing to strike at: no such process yet, or no more. */
export async function strike(
  kind: FaultKind,
  theatre: Theatre,
  actor: Actor,
): Promise<Effect | undefined> {
  switch (kind) {
    case 'worker killed':
    case 'worker ended':
      return replaced(theatre.replaceWorker(kind === 'worker killed' ? 'killed' : 'ended'));
    case 'Temporal killed':
      return replaced(theatre.replaceTemporal());
    case 'worker stopped':
      theatre.commonFaults++;
      return stopped(theatre.workerPid, workerStoppedMs);
    case 'guard killed': {
      const guard = await findGuard(theatre.paths, actor.name);
      if (guard === undefined) return undefined;
      return signalled(guard, 'SIGKILL') ? nothing : undefined;
    }
    case 'QEMU killed':
    case 'QEMU ended':
      await actor.end(kind === 'QEMU killed' ? 'kill' : 'quit');
      return nothing;
    case 'receiver killed':
    case 'receiver stopped': {
      const [receiver] = await findReceivers(theatre.paths.vm(actor.name).run);
      if (!receiver) return undefined;
      if (kind === 'receiver stopped') return stopped(receiver.pid);
      return signalled(receiver.pid, 'SIGKILL') ? nothing : undefined;
    }
    case 'connection cut':
      actor.tap.cut();
      return nothing;
    case 'cancelled':
      // One that has just ended cannot be cancelled any more.
      return theatre.client.cancelRun(actor.name).then(
        () => nothing,
        () => undefined,
      );
    case 'terminated':
      return terminated(theatre, actor);
    case 'target full':
    case 'target hung':
      return targetGone(kind, theatre, actor);
  }
}

async function replaced({ struck, again }: Replacement): Promise<Effect> {
  // Whoever waits for the end hears of it.
  again.catch(() => undefined);
  await struck;
  return { end: async () => again };
}

/** Stops a process until the end, or for so long. */
function stopped(pid: number, forMs?: number): Effect | undefined {
  if (!signalled(pid, 'SIGSTOP')) return undefined;
  const goOn = () => void signalled(pid, 'SIGCONT');
  const timer = forMs === undefined ? undefined : setTimeout(goOn, forMs);
  return {
    end: async () => {
      clearTimeout(timer);
      goOn();
    },
  };
}

async function terminated({ temporal }: Theatre, actor: Actor): Promise<Effect | undefined> {
  const which = ['--workflow-id', `backup/${actor.name}`, '--address', temporal.address];
  const { exitCode } = await execa(temporal.cli, ['workflow', 'terminate', ...which], {
    reject: false,
  });
  return exitCode === 0 ? nothing : undefined;
}

async function targetGone(
  kind: 'target full' | 'target hung',
  { files }: Theatre,
  { place }: Actor,
): Promise<Effect | undefined> {
  if (!files || place !== 0) return undefined;
  await (kind === 'target full' ? files.fill() : files.hang());
  let back: Promise<void> | undefined;
  const comeBack = () => (back ??= kind === 'target full' ? files.free() : files.recover());
  const timer = setTimeout(() => void comeBack().catch(() => undefined), targetGoneMs);
  return {
    end: async () => {
      clearTimeout(timer);
      await comeBack();
    },
  };
}

function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
