import { faultNames } from './faults.ts';
import { Matrix } from './matrix.ts';
import { recordPoints, spotsAfter, spotsBefore } from './points.ts';
import { World } from './world.ts';

// SIGKILL of the worker just after every effect of a backup, and every other fault at one point of each step: or, with
// STILLPOINT_CRASH=all, at every point too, which takes a day.

const world = await World.build();
const points = await recordPoints(world);
const matrix = new Matrix(world);
matrix.at('worker killed', spotsAfter(points));
for (const fault of faultNames.filter((name) => name !== 'worker killed'))
  if (process.env['STILLPOINT_CRASH'] === 'all')
    matrix.at(fault, [...spotsBefore(points), ...spotsAfter(points)]);
  else matrix.onceAStep(fault, points);
