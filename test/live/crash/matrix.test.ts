import { expect, it } from 'vitest';
import { Matrix } from './matrix.ts';
import { leastPoints, recordPoints } from './points.ts';
import { World } from './world.ts';

// The part of the matrix that every `npm test` runs; `npm run test:crash` runs it whole.

const world = await World.build();
const points = await recordPoints(world);
const matrix = new Matrix(world);

it('watches the product at every effect', () => {
  expect(points.length).toBeGreaterThanOrEqual(leastPoints);
});

matrix.onceAStep('worker killed', points);
matrix.onceAStep('worker asked to end', points, ['takeInstant', 'watchCopy']);
matrix.onceAStep('worker stopped', points, ['takeInstant']);
matrix.onceAStep('guard killed', points, ['guard']);
matrix.onceAStep('QEMU killed', points, ['takeInstant']);
matrix.onceAStep('guest reset', points, ['guard']);
matrix.onceAStep('receivers killed', points, ['watchCopy']);
matrix.onceAStep('QMP cut', points, ['takeInstant', 'commitBackup']);
matrix.onceAStep('agent cut', points, ['guard']);
matrix.onceAStep('Temporal killed', points, ['prepareTargets']);
matrix.onceAStep('cancelled', points, ['takeInstant', 'startCopy']);
matrix.onceAStep('terminated', points, ['startCopy']);
matrix.onceAStep('activity paused', points, ['watchCopy']);
matrix.onceAStep('workflow reset', points, ['publishBackup']);
