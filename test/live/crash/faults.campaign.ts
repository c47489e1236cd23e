import { faultNames } from './faults.ts';
import { Matrix } from './matrix.ts';
import { recordPoints, spotsBothSides } from './points.ts';
import { World } from './world.ts';

// Every fault but the SIGKILL of the worker at one point of each step; with STILLPOINT_CRASH=all every fault, just before
// and just after every point, which takes a day.

const world = await World.build();
const points = await recordPoints(world);
const matrix = new Matrix(world);
const all = process.env['STILLPOINT_CRASH'] === 'all';
for (const fault of faultNames)
  if (all) matrix.at(fault, spotsBothSides(points));
  else if (fault !== 'worker killed') matrix.onceAStep(fault, points);
