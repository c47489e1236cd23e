import { connect } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { listen } from './connections.ts';
import { slowCopies } from './copies-started.ts';
import { instantOnlooker } from './instant-onlooker.ts';
import type { MachineDisk } from './machine-disk.ts';
import { relayQmp } from './relay-qmp.ts';

/** What the disks held at one instant. */
export type InstantCopy = {
  /** A copy of each disk's image, by the disk's name; in the disk's own format. */
  readonly files: ReadonlyMap<string, string>;
  /** How much longer the machine stood still for it: take it off from what a backup says of its pause. */
  readonly heldMs: number;
};

/** A way to a machine's QMP socket that copies the disks at each instant. */
export type InstantTap = AsyncDisposable & {
  /** The socket to give to the product instead of the machine's own. */
  readonly qmpSocket: string;
  /** The copies so far, the newest last. A run that was rolled back has left one too. */
  readonly copies: readonly InstantCopy[];
  /** Cuts every connection through it, as a dying socket does, and tells how many. New ones are taken. */
  cut(): number;
  /** A limit, in bytes a second, that copy jobs begin with: so small a copy as a test's has hardly a middle. */
  copySpeed: number | undefined;
};

/**
 * The oracle for a running guest: the disks' content at the very instant of a backup, taken without the product's help.
 *
 * A backup under `shield: fleece` stops the machine, puts its filters in and sends `cont`. The tap stands between the
 * product and QEMU, passes every line on, and holds back that one line until it has copied the images: while the machine
 * stands still nobody writes, and `stop` has flushed all. So the copy is the instant, to the byte, whatever the guest does.
 * A `cont` on a connection that saw no STOP is passed on at once. A copy that fails is thrown by the next look at `copies`.
 *
 * Every other tier takes its instant with a transaction, of a machine that runs on. The tap stops the machine for it by the
 * lab's own monitor, copies, and lets it go on when the answer is there; the product sees nothing of that.
 */
export async function startInstantTap(machine: {
  readonly qmpSocket: string;
  readonly folder: string;
  readonly disks: readonly MachineDisk[];
  readonly labQmp: QmpClient;
}): Promise<InstantTap> {
  const qmpSocket = join(machine.folder, 'tap.sock');
  const copies: InstantCopy[] = [];
  let failure: Error | undefined;
  let taken = 0;

  const take = async () => {
    const begun = performance.now();
    const number = taken++;
    const copied = machine.disks.map(async ({ name, path, format }) => {
      const to = join(machine.folder, `${name}-instant-${number}.${format}`);
      await execa('cp', ['--reflink=auto', '--sparse=auto', path, to]);
      return [name, to] as const;
    });
    try {
      const files = new Map(await Promise.all(copied));
      copies.push({ files, heldMs: performance.now() - begun });
    } catch (error) {
      // Whatever happens, the machine goes on.
      failure = error as Error;
    }
  };

  const spell = (line: string) =>
    tap.copySpeed === undefined ? line : slowCopies(line, tap.copySpeed);

  const connections = await listen(qmpSocket, (client, own) => {
    const qemu = connect(machine.qmpSocket);
    own.keep(qemu);
    relayQmp(client, qemu, instantOnlooker(machine, { take, spell }));
  });
  const tap: InstantTap = {
    qmpSocket,
    copySpeed: undefined,
    get copies() {
      if (failure) throw failure;
      return copies;
    },
    cut: () => connections.cut(),
    [Symbol.asyncDispose]: async () => connections[Symbol.asyncDispose](),
  };
  return tap;
}
