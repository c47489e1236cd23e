import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { vm } from '../../../demo/stage.ts';
import { findGuard } from '../../../host/guard/find-guard.ts';
import { statePaths } from '../../../host/state-paths.ts';
import { mutations, type Mutation } from './mutations.ts';
import { leftovers } from './oracle.ts';
import { recordPoints, spotsByStep, type Spot } from './points.ts';
import { tryCell } from './trial.ts';
import { World } from './world.ts';

// Takes one undo after the other out of a copy of the build, and sees the matrix turn red: it can.

const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
const build = path('.mutants/dist');

const world = await World.build();
const points = await recordPoints(world);
await cp(path('dist'), build, { recursive: true });
world.settleMs = 30_000;

afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(path('.mutants'), { recursive: true });
});

for (const mutation of mutations)
  it(`turns red without: ${mutation.title}`, async () => {
    const restore = await mutate(mutation);
    try {
      await restart(build, mutation.sweepSeconds ?? 3_600);
      const wrong: string[] = [];
      for (const spot of spotsOf(mutation)) {
        const outcome = await tryCell(world, { fault: mutation.fault, spots: [spot] });
        wrong.push(...outcome.wrong);
        if (wrong.length > 0) break;
      }
      console.log(`${mutation.title}: ${wrong[0]}`);
      expect(wrong).not.toEqual([]);
    } finally {
      await restore();
      await setRight();
    }
  });

/** Takes away what the mutant has left, with a sound worker and by hand where none could. */
async function setRight(): Promise<void> {
  const { product, machine } = world.stage;
  await world.workflow.terminate('by the mutation run').catch(() => undefined);
  await product.killWorker();
  const guard = await findGuard(statePaths(product.state), vm);
  if (guard !== undefined) process.kill(guard, 'SIGKILL');
  await machine.labQmp.execute('cont', {});
  await restart(undefined, 5);
  await world.backUp('full');
  // A segment that was not merged back in its time stays in the chain until it is the oldest.
  world.known.clear();
  for (const name of await leftovers(world)) world.known.add(name);
}

/** A few spots of the step at which what was cut out is needed. */
function spotsOf({ fault, step }: Mutation): Spot[] {
  if (step === 'stopped')
    return [{ point: 'takeInstant qmp.sock transaction 1', moment: 'before' }];
  const spots = spotsByStep(points, fault).get(step)?.flat() ?? [];
  const distance = Math.max(1, Math.floor(spots.length / 4));
  return spots.filter((_, index) => index % distance === 0);
}

/** A worker of another build, with another sweep. */
async function restart(from: string | undefined, sweepSeconds: number): Promise<void> {
  const { product } = world.stage;
  const inventory = JSON.parse(await readFile(product.config, 'utf8')) as object;
  await writeFile(product.config, JSON.stringify({ ...inventory, sweepSeconds }));
  await product.killWorker();
  await product.restartWorker(from);
}

/** Cuts it out of the copy, and returns what puts it back. */
async function mutate({ cuts }: Mutation): Promise<() => Promise<void>> {
  const undos: (() => Promise<void>)[] = [];
  for (const { file, from, to } of cuts) {
    const text = await readFile(`${build}/${file}`, 'utf8');
    if (!text.includes(from)) throw new Error(`${file}: nothing there to cut out: ${from}`);
    await writeFile(`${build}/${file}`, text.replaceAll(from, to));
    undos.push(() => writeFile(`${build}/${file}`, text));
  }
  return async () => {
    for (const undo of undos) await undo();
  };
}
