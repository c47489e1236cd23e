import { chmod, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { VmName } from '../model/names.ts';
import { StateError } from './errors.ts';

/** `sun_path` holds 108 bytes, the last of them zero. @see unix(7) */
const maxSocketPathBytes = 107;

/** Where everything of one VM is on this host. */
export type VmPaths = {
  readonly folder: string;
  readonly lock: string;
  readonly stop: string;
  readonly freeze: string;
  /** How fast the backup that holds the lock is to copy. */
  readonly speed: string;
  /** What is known of the VM's last snapshot. */
  readonly snapshot: string;
  readonly guardConfig: string;
  readonly guardLog: string;
  /** Folder of the VM's sockets, with a slash at its end: what listens below it is ours. */
  readonly run: string;
  readonly guardSocket: string;
  /** Where a guard offers QMP while it holds the VM's own socket. */
  readonly relaySocket: string;
  readonly probeSocket: string;
  /** Where QEMU serves an export, unless the inventory names an address. */
  readonly nbdSocket: string;
  /** There when a sink has taken the place of a receiver: what was copied is not all in the target. */
  readonly sinkMark: string;
  /** Folder of the VM's scratch images. */
  readonly scratch: string;
  targetSocket(disk: number): string;
  scratchImage(disk: number): string;
};

/** The layout of a host's state folder. */
export type StatePaths = {
  readonly root: string;
  /** Throws `StateError` for a name that is no VM's, or when the sockets' paths would be too long for the system. */
  vm(vm: string): VmPaths;
};

/** Derives every path of a state folder. Touches nothing. */
export function statePaths(stateDir: string): StatePaths {
  const root = resolve(stateDir);
  return { root, vm: (vm) => vmPaths(root, vm) };
}

function vmPaths(root: string, vm: string): VmPaths {
  // It becomes part of paths, and may come from a workflow's input.
  if (!VmName.safeParse(vm).success)
    throw new StateError(`${JSON.stringify(vm)} is not a VM's name`);
  const folder = join(root, 'vms', vm);
  const run = `${join(root, 'run', vm)}/`;
  const scratch = join(root, 'scratch', vm);
  const paths: VmPaths = {
    folder,
    lock: join(folder, 'lock.json'),
    stop: join(folder, 'stop.json'),
    freeze: join(folder, 'freeze.json'),
    speed: join(folder, 'speed.json'),
    snapshot: join(folder, 'snapshot.json'),
    guardConfig: join(folder, 'guard.json'),
    guardLog: join(folder, 'guard.log'),
    run,
    guardSocket: join(run, 'guard.sock'),
    relaySocket: join(run, 'qmp.sock'),
    probeSocket: join(run, 'p.sock'),
    nbdSocket: join(run, 'nbd.sock'),
    sinkMark: join(run, 'sink'),
    scratch,
    targetSocket: (disk) => join(run, `${twoDigits(disk)}t.sock`),
    scratchImage: (disk) => join(scratch, `${twoDigits(disk)}s.img`),
  };
  const excess = Buffer.byteLength(paths.guardSocket) - maxSocketPathBytes;
  if (excess > 0)
    throw new StateError(
      `${root}: the path of this state folder is ${excess} bytes too long for the sockets of ${vm} ` +
        `(${paths.guardSocket} exceeds ${maxSocketPathBytes} bytes): choose a shorter one`,
    );
  return paths;
}

/** Makes the VM's folders, for their owner alone: who reaches a socket in them can stop the VM. May be called again. */
export async function makeVmFolders(paths: StatePaths, vm: string): Promise<VmPaths> {
  const of = paths.vm(vm);
  for (const folder of [of.folder, of.run, of.scratch]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  }
  return of;
}

function twoDigits(disk: number): string {
  return String(disk).padStart(2, '0');
}
