import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../model/manifest.ts';
import type { Call } from '../../repository/calls.ts';
import { recordCheckpoint } from '../../repository/checkpoint.ts';
import { deleteBackup } from '../../repository/delete.ts';
import { publishedPath, vmPath } from '../../repository/layout.ts';
import { listBackups, surveyBackups } from '../../repository/list.ts';
import { openRepository } from '../../repository/mark.ts';
import { listPartials, preparePartial, removePartial } from '../../repository/partial.ts';
import { publish } from '../../repository/publish.ts';
import { verifyDigests } from '../../repository/verify.ts';
import { build } from './built.ts';
import {
  instant,
  monday,
  origin,
  planOf,
  publishedBackup,
  temporaryRepository,
  tuesday,
  written,
} from './sample.ts';

const script = 'test/repository/die-at.ts';
let built: Awaited<ReturnType<typeof build>>;

beforeAll(async () => {
  built = await build(script);
});

afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

/** Makes the call in a process that dies before the given step, or gives its steps when it has fewer. */
async function dieAt(
  step: number,
  call: Call,
  folder: string,
  args: object,
): Promise<string[] | 'died'> {
  const command = [built.path(script), String(step), call, folder, JSON.stringify(args)];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [[code, signal], steps] = await Promise.all([once(child, 'close'), text(child.stdout)]);
  if (signal === 'SIGKILL') return 'died';
  if (code !== 0) throw new Error(`${call}: exit code ${code}`);
  return steps.trimEnd().split('\n');
}

/** Kills at every step in turn, each time in a new repository, and gives the number of deaths. */
async function atEveryStep(
  call: Call,
  args: object,
  scene: { before: (folder: string) => Promise<unknown>; after: (folder: string) => Promise<void> },
): Promise<number> {
  for (let step = 1; ; step++) {
    await using repository = await temporaryRepository();
    await scene.before(repository.folder);
    const end = await dieAt(step, call, repository.folder, args);
    await scene.after(repository.folder);
    if (end !== 'died') return step - 1;
  }
}

const ids = (manifests: readonly Manifest[]) => manifests.map(({ backupId }) => backupId);
const sameWhenever = (manifest: Manifest) => ({ ...manifest, publishedAt: '' });

describe('publish', () => {
  it('has every file on the disk before the manifest, and the manifest before the rename', async () => {
    await using repository = await temporaryRepository();
    const plan = planOf(tuesday);
    await written(repository.folder, plan);

    const steps = await dieAt(1000, 'publish', repository.folder, { plan, instant, origin });

    expect(steps).toEqual([
      'open vd0.qcow2',
      'sync vd0.qcow2',
      'open vd1.qcow2',
      'sync vd1.qcow2',
      'rm manifest.json.tmp',
      'open manifest.json.tmp',
      'writeFile manifest.json.tmp',
      'sync manifest.json.tmp',
      'rename manifest.json.tmp manifest.json',
      `open ${tuesday}.partial`,
      `sync ${tuesday}.partial`,
      `rename ${tuesday}.partial ${tuesday}`,
      'open web1',
      'sync web1',
    ]);
  });
});

describe('a process that dies', () => {
  it('while it publishes leaves a backup that is listed whole or not at all, and that the next call publishes', async () => {
    const full = planOf(monday);
    const plan = planOf(tuesday, monday);
    await using undisturbed = await temporaryRepository();
    await publishedBackup(undisturbed.folder, full);
    const expected = await publishedBackup(undisturbed.folder, plan);

    const deaths = await atEveryStep(
      'publish',
      { plan, instant, origin },
      {
        before: async (folder) => {
          await publishedBackup(folder, full);
          await written(folder, plan);
        },
        after: async (folder) => {
          for (const id of ids(await listBackups(folder))) await verifyDigests(folder, 'web1', id);

          const manifest = await publish(folder, plan, instant, origin);

          expect(sameWhenever(manifest)).toEqual(sameWhenever(expected));
          expect(await listBackups(folder)).toContainEqual(manifest);
          expect(await readdir(publishedPath(folder, 'web1', tuesday))).toEqual([
            'manifest.json',
            'vd0.qcow2',
            'vd1.qcow2',
          ]);
          await verifyDigests(folder, 'web1', tuesday);
          expect(await readdir(vmPath(folder, 'web1'))).toEqual([monday, tuesday]);
        },
      },
    );

    expect(deaths).toBeGreaterThan(3);
  }, 120_000);

  it('while it deletes leaves a backup that is whole or none, and that the next call deletes', async () => {
    const deaths = await atEveryStep(
      'delete',
      { vm: 'web1', backupId: tuesday },
      {
        before: async (folder) => {
          await publishedBackup(folder, planOf(monday));
          await publishedBackup(folder, planOf(tuesday, monday));
        },
        after: async (folder) => {
          for (const id of ids(await listBackups(folder))) await verifyDigests(folder, 'web1', id);

          await deleteBackup(folder, 'web1', tuesday);

          expect(ids(await listBackups(folder))).toEqual([monday]);
          expect(await readdir(vmPath(folder, 'web1'))).toEqual([monday]);
        },
      },
    );

    expect(deaths).toBeGreaterThan(3);
  }, 120_000);

  it('while it makes the repository leaves a folder of which the next call makes one', async () => {
    const deaths = await atEveryStep(
      'open',
      { create: true },
      {
        before: async () => {},
        after: async (folder) => {
          const mark = await openRepository(folder, { create: true });

          expect(await openRepository(folder, { create: false })).toEqual(mark);
        },
      },
    );

    expect(deaths).toBeGreaterThan(3);
  }, 120_000);

  it('while it prepares a backup leaves what the next call completes and another removes', async () => {
    const deaths = await atEveryStep(
      'prepare',
      { vm: 'web1', backupId: monday },
      {
        before: async (folder) => openRepository(folder, { create: true }),
        after: async (folder) => {
          expect(await listBackups(folder)).toEqual([]);

          await preparePartial(folder, 'web1', monday);

          expect(await listPartials(folder, 'web1')).toEqual([monday]);
          await removePartial(folder, 'web1', monday);
          expect(await readdir(vmPath(folder, 'web1'))).toEqual([]);
        },
      },
    );

    expect(deaths).toBeGreaterThan(3);
  }, 120_000);

  it('while it records a checkpoint leaves it whole or not there, and the next call completes it', async () => {
    const plan = planOf(tuesday);
    const deaths = await atEveryStep(
      'recordCheckpoint',
      { plan, instant, origin, keep: 1 },
      {
        before: async (folder) => {
          await openRepository(folder, { create: true });
          await recordCheckpoint(folder, planOf(monday), instant, origin, 1);
        },
        after: async (folder) => {
          const { checkpoints, broken } = await surveyBackups(folder);
          expect(checkpoints.length).toBeGreaterThan(0);
          expect(broken).toEqual([]);

          const recorded = await recordCheckpoint(folder, plan, instant, origin, 1);

          expect((await surveyBackups(folder)).checkpoints).toEqual([recorded]);
        },
      },
    );

    expect(deaths).toBeGreaterThan(3);
  }, 120_000);
});
