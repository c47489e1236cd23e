import type { Moment } from '../../../lab/edges/edges.ts';
import { faultNames, type FaultName } from './faults.ts';
import type { World } from './world.ts';

/** Fewer would mean that the watch has gone blind. */
export const leastPoints = 150;

/** A moment of a backup, at which the one at work can be made to stand still. */
export type Spot = { readonly point: string; readonly moment: Moment };

/**
 * The points of an undisturbed incremental backup of both disks: those that it comes to each time. How often it asks how
 * far a job is differs from run to run.
 */
export async function recordPoints(world: World): Promise<string[]> {
  const runs: string[][] = [];
  for (let run = 0; run < 2; run++)
    runs.push(await world.edges.record(async () => void (await world.backUp())));
  const [first = [], ...others] = runs;
  return [...new Set(first)].filter((point) => others.every((run) => run.includes(point)));
}

/** The step, or the process, that a point belongs to. */
export const stepOf = (point: string): string => point.split(' ')[0] ?? '';

/** Just before and just after each point. */
export function spotsBothSides(points: readonly string[]): Spot[] {
  return points.flatMap((point) => [
    { point, moment: 'before' as const },
    { point, moment: 'after' as const },
  ]);
}

/**
 * Each point once: just after an effect, and just before a question, which changes nothing. What lies just before an
 * effect lies just after the one before it.
 */
export function spotsOnce(points: readonly string[]): Spot[] {
  const questions = /\b(query-|qom-get|x-debug-query|guest-ping|guest-fsfreeze-status)/;
  return points.map((point) => ({ point, moment: questions.test(point) ? 'before' : 'after' }));
}

/** How many spots of a step one backup is held at, for a fault that has nothing to strike at some of them. */
const holdsATry = 6;

/**
 * For each step the backups to try, and the spots of each in their order. The first begins at a place of its own for each
 * fault, so that each happens somewhere else; the second holds what lies before.
 */
export function spotsByStep(points: readonly string[], fault: FaultName): Map<string, Spot[][]> {
  // Never at a step's very beginning, where no token is kept yet: that costs a heartbeat's time-out.
  const share = ((faultNames.indexOf(fault) * 7 + 5) % faultNames.length) / faultNames.length;
  const steps = [...new Set(points.map(stepOf))];
  return new Map(
    steps.map((step) => {
      const spots = spotsBothSides(points.filter((point) => stepOf(point) === step));
      const first = Math.floor(spots.length * share);
      const tries = [spots.slice(first), spots.slice(0, first)];
      return [step, tries.filter(({ length }) => length > 0).map(evenly)];
    }),
  );
}

/** Some of them, the first among these, about as far apart from each other. */
function evenly(spots: readonly Spot[]): Spot[] {
  const every = Math.ceil(spots.length / holdsATry);
  return spots.filter((_, index) => index % every === 0);
}
