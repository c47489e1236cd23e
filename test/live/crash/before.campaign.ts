import { Matrix } from './matrix.ts';
import { recordPoints, spotsBefore } from './points.ts';
import { World } from './world.ts';

// SIGKILL of the worker just before every effect of a backup.

const world = await World.build();
new Matrix(world).at('worker killed', spotsBefore(await recordPoints(world)));
