import { vi } from 'vitest';
import { vm } from '../../../demo/stage.ts';
import { guestWrites } from '../product/looking.ts';
import { faults, type Fault, type FaultName } from './faults.ts';
import { differing, leftovers } from './oracle.ts';
import type { Spot } from './points.ts';
import { maxFreezeSeconds, type World } from './world.ts';

/** One cell of the matrix. The fault happens at the first of its spots, in the order of a backup, where it has something to strike. */
export type Cell = { readonly fault: FaultName; readonly spots: readonly Spot[] };

/** What came of it. */
export type Outcome = Spot & {
  readonly fault: FaultName;
  /** Whether the backup came to that moment, so that the fault was done there. */
  readonly hit: boolean;
  /** How the backup ended, with the class of the error if it failed. */
  readonly ended: string;
  readonly frozenMs: number;
  readonly pausedMs: number;
  /** The next backup's kind. */
  readonly next: string;
  /** What is not as promised. Nothing, hopefully. */
  readonly wrong: readonly string[];
};

/** Lets one fault happen at a moment of a backup, lets the world run on, and looks what became of it. */
export async function tryCell(world: World, cell: Cell): Promise<Outcome> {
  const fault: Fault = faults[cell.fault];
  const { edges, stage } = world;
  world.takeLongest();
  const { spot, hit } = await strikeAtFirst(world, cell);
  await edges.release();
  if (hit) await fault.recover?.(world);
  const wrong: string[] = [];
  const note = async (what: string, work: () => Promise<unknown>) =>
    work().catch((error: unknown) => void wrong.push(`${what}: ${String(error)}`));

  let ended = 'still running';
  await note('the end', async () => void (ended = await endOf(world)));
  await edges.disarm();
  await note('the guest', async () => guestWrites(stage));
  const { frozenMs, pausedMs } = world.takeLongest();
  if (frozenMs > (maxFreezeSeconds + 2) * 1_000) wrong.push(`frozen for ${frozenMs} ms`);
  if (hit && fault.ends && !ended.startsWith(fault.ends)) wrong.push(`ended: ${ended}`);
  if (/: (Error|undefined|)$/.test(ended)) wrong.push(`says nothing: ${ended}`);
  await note('left over', async () => nothingIsLeft(world, false));
  if (ended.startsWith('completed')) await world.keep(ended.split(' ')[1] ?? '');

  let next = 'none';
  await note('the next backup', async () => void (next = (await world.backUp()).kind));
  for (const difference of await differing(world)) wrong.push(`bytes: ${difference}`);
  await note('left over', async () => nothingIsLeft(world, true));
  return { fault: cell.fault, ...spot, hit, ended, frozenMs, pausedMs, next, wrong };
}

/** Starts a backup, which stands still at one spot after the other until the fault has struck; it is still held there then. */
async function strikeAtFirst(
  world: World,
  { fault, spots }: Cell,
): Promise<{ spot: Spot; hit: boolean }> {
  const { edges, stage } = world;
  const strike: Fault['strike'] = faults[fault].strike;
  let last: Spot | undefined;
  for (const spot of spots) {
    if (last) await edges.holdNext(spot.point, spot.moment);
    else {
      await edges.hold(spot.point, spot.moment);
      await stage.client.startBackup({ vm });
    }
    last = spot;
    if (!(await isHeld(world))) break;
    if ((await strike(world)) !== 'nothing there') return { spot, hit: true };
  }
  if (!last) throw new RangeError(`${fault}: a cell without a spot`);
  return { spot: last, hit: false };
}

/** Waits until somebody stands still at the armed moment, or the backup has ended without coming there. */
async function isHeld({ edges, workflow }: World): Promise<boolean> {
  for (let look = 1; ; look++) {
    if ((await edges.held()) !== undefined) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
    // To ask Temporal costs as much as a step of the backup.
    if (look % 50 !== 0) continue;
    const { status } = await workflow.describe();
    if (status.name !== 'RUNNING') return (await edges.held()) !== undefined;
  }
}

/** How the VM's latest run ended: `completed <backupId>`, or the state and the class of the error. */
async function endOf(world: World): Promise<string> {
  const isOver = async () => {
    const { status, raw } = await world.workflow.describe();
    const step = raw.pendingActivities?.[0]?.activityType?.name ?? 'no step';
    if (status.name === 'RUNNING') throw new Error(`it is still in ${step}`);
  };
  await vi.waitFor(isOver, { timeout: world.settleMs, interval: 100 });
  const backup = await world.stage.client.findBackup(vm);
  const { state, failure } = (await backup?.fullStatus()) ?? {};
  if (state === 'completed') return `completed ${(await backup?.result())?.backupId}`;
  return `${state}: ${state === 'failed' ? failure?.type : state}`;
}

/**
 * Waits until nothing is left, for the sweep's period and a little; names what is, and each only once. A file that was
 * half written is written over by the next backup: before that, `written` is false.
 */
async function nothingIsLeft(world: World, written: boolean): Promise<void> {
  let left: string[] = [];
  const look = async () => {
    left = (await leftovers(world)).filter((name) => !world.known.has(name));
    if (!written) left = left.filter((name) => !name.endsWith('.tmp'));
    if (left.length > 0) throw new Error(left.join(', '));
  };
  await vi.waitFor(look, { timeout: 20_000, interval: 50 }).catch((error: unknown) => {
    for (const name of left) world.known.add(name);
    throw error;
  });
}
