import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFile } from '../files/durable.ts';
import { unlessAbsent } from '../files/system-error.ts';
import { findReceivers } from '../qemu/receiver/find-receivers.ts';
import type { StatePaths } from './state-paths.ts';

/** What runs of a VM have left on this host. */
export type HostLeftovers = {
  /** Sockets of receivers that live. */
  readonly receivers: readonly string[];
  readonly scratch: readonly string[];
  /** What lies in our folders and is not ours. It is reported, and never touched. */
  readonly foreign: readonly string[];
};

/** The VM's scratch images. */
export async function scratchImages(paths: StatePaths, vm: string): Promise<string[]> {
  return (await entries(paths.vm(vm).scratch)).filter(isScratch);
}

/** Removes the VM's scratch images. Call it when QEMU has let go of them. May be called again. */
export async function removeScratch(paths: StatePaths, vm: string): Promise<void> {
  for (const path of await scratchImages(paths, vm)) await removeFile(path);
}

/** How many bytes can still be written to the scratch image that has least: of its own limit, or of the host's room. */
export async function scratchLeft(
  paths: StatePaths,
  vm: string,
  limitBytes: number,
): Promise<number> {
  const { bavail, bsize } = await statfs(paths.root);
  const used = (await scratchImages(paths, vm)).map(
    async (path) => (await stat(path)).blocks * 512,
  );
  return Math.min(bavail * bsize, limitBytes - Math.max(0, ...(await Promise.all(used))));
}

/** Looks at what is left of a VM's runs on this host. Changes nothing. */
export async function hostLeftovers(paths: StatePaths, vm: string): Promise<HostLeftovers> {
  const of = paths.vm(vm);
  const inScratch = await entries(of.scratch);
  const inRun = await entries(of.run);
  return {
    receivers: (await findReceivers(of.run)).map(({ socket }) => socket),
    scratch: inScratch.filter(isScratch),
    foreign: [
      ...inScratch.filter((path) => !isScratch(path)),
      ...inRun.filter((path) => !/\/((\d\dt|p|guard|qmp|nbd)\.sock(\.log)?|sink)$/.test(path)),
    ],
  };
}

function isScratch(path: string): boolean {
  return /\/\d\ds\.img$/.test(path);
}

async function entries(folder: string): Promise<string[]> {
  return ((await unlessAbsent(readdir(folder))) ?? []).map((name) => join(folder, name));
}
