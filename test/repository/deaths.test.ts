import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../model/manifest.ts';
import type { Call } from '../../repository/calls.ts';
import { deleteBackup } from '../../repository/delete.ts';
import { publishedPath, vmPath } from '../../repository/layout.ts';
import { listBackups } from '../../repository/list.ts';
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

/** Makes the call in a process that dies before the given step. False: the call had fewer steps and is through. */
async function dies(step: number, call: Call, folder: string, args: object): Promise<boolean> {
  const command = [built.path(script), String(step), call, folder, JSON.stringify(args)];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (signal !== 'SIGKILL') expect(code).toBe(0);
  return signal === 'SIGKILL';
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
    const died = await dies(step, call, repository.folder, args);
    await scene.after(repository.folder);
    if (!died) return step - 1;
  }
}

const ids = (manifests: readonly Manifest[]) => manifests.map(({ backupId }) => backupId);
const sameWhenever = (manifest: Manifest) => ({ ...manifest, publishedAt: '' });

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
});
