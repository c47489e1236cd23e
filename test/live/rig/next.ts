import { expect } from 'vitest';
import { leftovers } from './leftovers.ts';
import { expectSame } from './oracle.ts';
import type { Rig } from './rig.ts';
import { Way } from './way.ts';

const MiB = 1024 ** 2;

/** Writes so much to every disk that the next copy has a middle. */
export async function fill({ machine }: Rig, pattern: number): Promise<void> {
  for (const disk of machine.disks)
    await machine.device(disk).write(pattern, { offset: 16 * MiB, bytes: 24 * MiB });
}

/** After a backup that failed, or not: the next one is of that kind in every disk, holds every change, and leaves nothing. */
export async function expectNextIsExact(
  rig: Rig,
  request: ConstructorParameters<typeof Way>[1] = {},
  expected: 'incremental' | 'full' = 'incremental',
): Promise<void> {
  const next = new Way(rig, request);
  const held = await next.toInstant();
  const { disks } = await next.toEnd();
  expect(disks.map(({ kind }) => kind)).toEqual(disks.map(() => expected));
  await expectSame(rig, next.plan, held);
  expect(await leftovers(rig)).toEqual([]);
}
