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

export function spotsBefore(points: readonly string[]): Spot[] {
  return points.map((point) => ({ point, moment: 'before' as const }));
}

/** A question changes nothing: what dies just after it is as good as what dies just before. */
export function spotsAfter(points: readonly string[]): Spot[] {
  const questions = /\b(query-|qom-get|x-debug-query|guest-ping|guest-fsfreeze-status)/;
  return points
    .filter((point) => !questions.test(point))
    .map((point) => ({ point, moment: 'after' as const }));
}

/** The spots of each step, in an order of its own for each fault, so that each fault happens somewhere else. */
export function spotsByStep(points: readonly string[], fault: FaultName): Map<string, Spot[]> {
  // Never at a step's very beginning, where no token is kept yet: that costs a heartbeat's time-out.
  const share = ((faultNames.indexOf(fault) * 7 + 5) % faultNames.length) / faultNames.length;
  const steps = [...new Set(points.map(stepOf))];
  return new Map(
    steps.map((step) => {
      const own = points.filter((point) => stepOf(point) === step);
      const spots = own.flatMap((point) => [...spotsBefore([point]), ...spotsAfter([point])]);
      const first = Math.floor(spots.length * share);
      return [step, [...spots.slice(first), ...spots.slice(0, first)]];
    }),
  );
}
