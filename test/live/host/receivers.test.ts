import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deadReceivers, endReceivers } from '../../../host/receivers.ts';
import { hostLeftovers } from '../../../host/scratch.ts';
import { makeVmFolders, statePaths, type StatePaths } from '../../../host/state-paths.ts';
import { makeTempFolder, type TempFolder } from '../../../lab/temp-folder.ts';
import { createImage } from '../../../qemu/images/create-image.ts';
import { startReceiver } from '../../../qemu/receiver/start-receiver.ts';

const disks = [0, 1].map((index) => ({ index, virtualBytes: 1024 ** 2 }));

let temp: TempFolder;
let paths: StatePaths;
beforeEach(async () => {
  temp = await makeTempFolder();
  paths = statePaths(temp.path);
});
afterEach(async () => {
  await endReceivers(paths, 'vm');
  await endReceivers(paths, 'vm2');
  await temp[Symbol.asyncDispose]();
});

async function start(vm: string, disk: number): Promise<number> {
  const of = await makeVmFolders(paths, vm);
  const image = of.scratchImage(disk);
  await createImage({ path: image, virtualBytes: 1024 ** 2 });
  const socket = of.targetSocket(disk);
  return (await startReceiver({ image, socket, signal: AbortSignal.timeout(20_000) })).pid;
}

describe('endReceivers', () => {
  it('ends every receiver of a VM, a hung one too, and none of another VM', async () => {
    await start('vm', 0);
    process.kill(await start('vm', 1), 'SIGSTOP');
    const other = await start('vm2', 0);

    await endReceivers(paths, 'vm');
    await endReceivers(paths, 'vm');

    expect((await hostLeftovers(paths, 'vm')).receivers).toEqual([]);
    expect(existsSync(`/proc/${other}`)).toBe(true);
  });
});

describe('deadReceivers', () => {
  it('names the disks whose receiver is not there', async () => {
    const pid = await start('vm', 0);
    await start('vm', 1);
    expect(await deadReceivers(paths, 'vm', disks)).toEqual([]);

    process.kill(pid, 'SIGKILL');

    await expect.poll(() => deadReceivers(paths, 'vm', disks)).toEqual([disks[0]]);
  });
});
