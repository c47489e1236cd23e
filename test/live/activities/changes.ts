import { execa } from 'execa';
import type { MachineDisk } from '../../../lab/machine-disk.ts';
import type { Machine } from '../../../lab/machine.ts';
import { nodesOf } from '../../../lab/nodes-of.ts';
import { probeReceiver } from '../../../qemu/receiver/probe-receiver.ts';
import { eventually } from '../../host/eventually.ts';

const MiB = 1024 ** 2;

/** Writes on every disk, for each round at a place of its own and over the end of the one before. */
export async function writeToAll(machine: Machine, round: number): Promise<void> {
  for (const disk of machine.disks)
    await machine.device(disk).write(round, { offset: round * MiB, bytes: MiB + MiB / 2 });
}

/** Lets the VM end by itself, does something to the image of disk 0, and starts the VM again. */
export async function whileOff(
  machine: Machine,
  work: (disk: MachineDisk) => Promise<void>,
): Promise<void> {
  await machine.quit();
  await work(machine.disk(0));
  await machine.restart();
}

/** The names of a node's segments, oldest first. */
export async function segmentNames({ labQmp }: Machine, node: string): Promise<string[]> {
  const nodes = await nodesOf(labQmp);
  const bitmaps = nodes.find((one) => one['node-name'] === node)?.['dirty-bitmaps'] ?? [];
  return bitmaps
    .flatMap(({ name = '' }) => (name.startsWith('stillpoint:') ? [name] : []))
    .toSorted();
}

/** Opens the image to write, as `qemu-nbd` does for somebody, and dies: what it has of bitmaps is then in use by nobody. */
export async function openAndDie({ path }: MachineDisk): Promise<void> {
  const socket = `${path}.sock`;
  const tool = execa('qemu-nbd', ['-k', socket, '-f', 'qcow2', path], { reject: false });
  try {
    await eventually(async () => probeReceiver(socket, 1_000));
  } finally {
    tool.kill('SIGKILL');
    await tool;
  }
}
