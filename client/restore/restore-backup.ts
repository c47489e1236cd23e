import { join } from 'node:path';
import type { ImageFormat } from '../../qemu/images/image-file.ts';
import type { ChainLink } from '../../repository/chain.ts';
import { diskPath } from '../../repository/layout.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Finished, Message } from '../output.ts';
import { chooseBackup, type ChosenBackup } from './choose-backup.ts';
import { isRestored, partialOf, restoreDisk, type DiskToRestore } from './restore-disk.ts';
import { checkRoom, makeTargetFolder, sizeOfFile } from './target-folder.ts';

/** What to restore, and where to. */
export type RestoreRequest = {
  readonly vm: string;
  /** Default: the newest. */
  readonly backupId: string | undefined;
  /** The folder to write `<device>.<format>` to. Made if it is not there. */
  readonly to: string;
  readonly format: ImageFormat;
};

/** What a restore did. */
type Restored = Extract<Finished, { restored: unknown }>;

/** What qcow2 itself takes on top of the data, generously: a header, and 1/8192 of the disk in tables. */
const metadataBytes = (virtualBytes: number) => 1024 ** 2 + virtualBytes / 4096;

/**
 * Restores a backup from its repository alone: no Temporal, no worker, no VM. Every file that it consists of is read
 * and compared with its digest before anything is written. May run again after any end: disks that are there are
 * compared and kept, the others are written. Writes over no finished file.
 */
export async function restoreBackup(
  repository: Repository,
  { vm, backupId: wanted, to, format }: RestoreRequest,
  { print, signal }: { print: (message: Message) => void; signal: AbortSignal },
): Promise<Restored> {
  const chosen = await chooseBackup(repository, vm, wanted, { signal });
  const { backupId, disks } = chosen.manifest;
  const folder = await makeTargetFolder(to, repository.folder);
  const wantedDisks = disks.map(({ device, virtualBytes }) => ({
    device,
    virtualBytes,
    format,
    from: diskPath(repository.folder, vm, backupId, device),
    file: join(folder, `${device}.${format}`),
  }));
  const missing: DiskToRestore[] = [];
  for (const disk of wantedDisks) {
    if (await isRestored(disk, signal)) print(restoredMessage(vm, disk, true));
    else missing.push(disk);
  }
  await checkRoom(folder, await bytesNeeded(missing, chosen));
  await verify(repository, chosen, print, signal);
  for (const disk of missing) {
    const { device, virtualBytes: totalBytes } = disk;
    const onPercent = (exact: number) => {
      const percent = Math.floor(exact);
      const doneBytes = Math.round((totalBytes * exact) / 100);
      const step = 'converting' as const;
      print({ type: 'progress', vm, step, device, doneBytes, totalBytes, percent });
    };
    await restoreDisk(disk, onPercent, signal);
    print(restoredMessage(vm, disk, false));
  }
  const restored = wantedDisks.map(({ device, file }) => ({ device, file }));
  return { vm, backupId, format, restored };
}

function restoredMessage(
  vm: string,
  { device, file }: DiskToRestore,
  alreadyThere: boolean,
): Message {
  return { type: 'restored', vm, device, file, alreadyThere };
}

/** At most what the chain holds, and never more than the disk: what unfinished files take is had back. */
async function bytesNeeded(
  missing: readonly DiskToRestore[],
  { chains }: ChosenBackup,
): Promise<number> {
  let needed = 0;
  for (const { device, virtualBytes, file } of missing) {
    const held = chainBytes(chains.get(device));
    const unfinished = (await sizeOfFile(partialOf(file))) ?? 0;
    needed += Math.min(held, virtualBytes) + metadataBytes(virtualBytes) - unfinished;
  }
  return needed;
}

async function verify(
  repository: Repository,
  { manifest: { vm, backupId }, chains }: ChosenBackup,
  print: (message: Message) => void,
  signal: AbortSignal,
): Promise<void> {
  const totalBytes = [...chains.values()].reduce((total, chain) => total + chainBytes(chain), 0);
  const onProgress = (doneBytes: number) => {
    const percent = Math.floor((doneBytes / Math.max(totalBytes, 1)) * 100);
    print({ type: 'progress', vm, step: 'verifying', doneBytes, totalBytes, percent });
  };
  onProgress(0);
  await repository.verify(vm, backupId, { signal, onProgress });
}

function chainBytes(chain: readonly ChainLink[] = []): number {
  return chain.reduce((total, { disk }) => total + disk.bytes, 0);
}
