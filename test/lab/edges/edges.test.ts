import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { Edges } from '../../../lab/edges/edges.ts';
import { makeTempFolder } from '../../../lab/temp-folder.ts';
import { eventually } from '../../host/eventually.ts';

/** A process of the product's kind that makes a folder and a file in it, moves it, and starts another. */
async function makeWorld() {
  const temp = await makeTempFolder();
  const program = join(temp.path, 'repository', 'child.js');
  await mkdir(join(temp.path, 'repository'));
  const text = `
    const { mkdir, rename, writeFile } = require('node:fs/promises');
    const { spawnSync, spawn } = require('node:child_process');
    (async () => {
      await mkdir('${temp.path}/made', { recursive: true });
      await mkdir('${temp.path}/made', { recursive: true });
      await writeFile('${temp.path}/made/new.tmp', '');
      await rename('${temp.path}/made/new.tmp', '${temp.path}/made/new');
      spawn('true', ['20261124T020501Z-3fa9']);
    })();`;
  await writeFile(program, text);
  await writeFile(join(temp.path, 'package.json'), '{"type":"commonjs"}');
  const edges = await Edges.make(join(temp.path, 'edges'));
  const run = () => execa(process.execPath, [program], { env: edges.env });
  return { temp, edges, run, made: (name: string) => join(temp.path, 'made', name) };
}

it('writes down what a process does to the world, and what changes nothing it leaves out', async () => {
  const { temp, edges, run } = await makeWorld();
  await using _ = temp;

  expect(await edges.record(async () => void (await run()))).toEqual([
    'repository mkdir made 1',
    'repository writeFile new.tmp 1',
    'repository rename new.tmp new 1',
    'repository spawn true ID 1',
  ]);
});

for (const { moment, there } of [
  { moment: 'before', there: false },
  { moment: 'after', there: true },
] as const)
  it(`holds a process just ${moment} an effect, until it is released`, async () => {
    const { temp, edges, run, made } = await makeWorld();
    await using _ = temp;
    await edges.hold('repository rename new.tmp new 1', moment);

    const running = run();

    await eventually(async () => (await edges.held()) === running.pid);
    expect(existsSync(made('new'))).toBe(there);
    await edges.release();
    await running;
    expect(existsSync(made('new'))).toBe(true);
  });

it('holds the one that it lets go at a later moment, also of the same effect', async () => {
  const { temp, edges, run, made } = await makeWorld();
  await using _ = temp;
  await edges.hold('repository rename new.tmp new 1', 'before');
  const running = run();
  await eventually(async () => (await edges.held()) === running.pid);

  await edges.holdNext('repository rename new.tmp new 1', 'after');

  await eventually(async () => (await edges.held()) === running.pid);
  expect(existsSync(made('new'))).toBe(true);
  await edges.holdNext('repository spawn true ID 1', 'before');
  await eventually(async () => (await edges.held()) === running.pid);
  await edges.release();
  await running;
});
