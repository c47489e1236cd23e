import { Matrix } from './matrix.ts';
import { recordPoints, spotsOnce } from './points.ts';
import { World } from './world.ts';

// SIGKILL of the worker at every point of a backup.

const world = await World.build();
new Matrix(world).at('worker killed', spotsOnce(await recordPoints(world)));
