import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { removeReceiverFiles } from '../../host/receivers.ts';
import { hostLeftovers, removeScratch, scratchLeft } from '../../host/scratch.ts';
import { makeVmFolders } from '../../host/state-paths.ts';
import { makeStateFolder } from './state-folder.ts';

describe('removeScratch', () => {
  it('removes the scratch images and nothing else, and may run again', async () => {
    await using state = await makeStateFolder();
    const of = await makeVmFolders(state.paths, 'vm');
    await writeFile(of.scratchImage(0), '');
    await writeFile(of.scratchImage(12), '');
    await writeFile(join(of.scratch, 'notes.txt'), '');

    await removeScratch(state.paths, 'vm');
    await removeScratch(state.paths, 'vm');

    expect(await readdir(of.scratch)).toEqual(['notes.txt']);
  });

  it('has nothing to do for a VM that was never backed up', async () => {
    await using state = await makeStateFolder();
    await removeScratch(state.paths, 'vm');
    expect(await readdir(state.paths.root)).toEqual([]);
  });
});

describe('scratchLeft', () => {
  it('is what the fullest image has left of its limit', async () => {
    await using state = await makeStateFolder();
    const of = await makeVmFolders(state.paths, 'vm');
    await writeFile(of.scratchImage(0), Buffer.alloc(65_536, 1), { flush: true });
    await writeFile(of.scratchImage(1), Buffer.alloc(262_144, 1), { flush: true });

    const left = await scratchLeft(state.paths, 'vm', 1024 ** 2);

    expect(left).toBe(1024 ** 2 - 262_144);
  });
});

describe('removeReceiverFiles', () => {
  it('removes sockets and logs of receivers, and leaves those of the guard', async () => {
    await using state = await makeStateFolder();
    const of = await makeVmFolders(state.paths, 'vm');
    const gone = [of.targetSocket(0), `${of.targetSocket(0)}.log`, of.probeSocket];
    for (const path of [...gone, of.guardSocket, of.relaySocket]) await writeFile(path, '');

    await removeReceiverFiles(state.paths, 'vm');

    expect((await readdir(of.run)).toSorted()).toEqual(['guard.sock', 'qmp.sock']);
  });
});

describe('hostLeftovers', () => {
  it('tells ours from what is not', async () => {
    await using state = await makeStateFolder();
    const of = await makeVmFolders(state.paths, 'vm');
    const ours = [
      of.scratchImage(0),
      of.targetSocket(0),
      `${of.targetSocket(0)}.log`,
      of.guardSocket,
    ];
    const foreign = [join(of.scratch, 'notes.txt'), join(of.run, 'other.sock')];
    for (const path of [...ours, ...foreign]) await writeFile(path, '');

    expect(await hostLeftovers(state.paths, 'vm')).toEqual({
      receivers: [],
      scratch: [of.scratchImage(0)],
      foreign,
    });
  });
});
