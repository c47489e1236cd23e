import { deviceName, parseOurName } from '../model/names.ts';
import type { SeenBitmap } from '../model/segments.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import type { Returns } from '../qemu/qmp/commands.ts';
import type { BlockDirtyInfo } from '../qemu/qmp/replies.ts';
import { BlockGraph } from './graph.ts';

type Block = Returns<'query-block'>[number];
export type Job = Returns<'query-jobs'>[number];

/** One disk of the VM, whatever way it was attached. */
export type Disk = {
  /** Its name in manifests and files. */
  readonly device: string;
  /** As `query-block` gives it, for HMP `qemu-io -d`. */
  readonly qdev: string;
  /** Where `qom-set` finds the device's `drive` property. */
  readonly qomPath: string;
  /** The disk's own node, below a filter of ours if there is one. */
  readonly node: string;
  /** What the device has as its drive now: `node`, or a filter of ours. */
  readonly top: string;
  readonly format: string;
  readonly virtualBytes: number;
  /** Bytes that the image occupies, or its virtual size where QEMU does not tell. */
  readonly usedBytes: number;
  readonly bitmaps: readonly SeenBitmap[];
};

/** What QEMU shows of a VM: its run state, its writable disks, all its nodes and jobs. */
export type VmState = {
  readonly status: string;
  readonly running: boolean;
  readonly disks: readonly Disk[];
  readonly graph: BlockGraph;
  readonly jobs: readonly Job[];
};

/** Reads the state of a VM. Changes nothing. */
export async function readVmState(qmp: QmpClient): Promise<VmState> {
  const [jobs, { status, running }, blocks, graphReply] = await Promise.all([
    qmp.execute('query-jobs', {}),
    qmp.execute('query-status', {}),
    qmp.execute('query-block', {}),
    qmp.execute('x-debug-query-block-graph', {}),
  ]);
  const graph = new BlockGraph(graphReply);
  const shielded = blocks.some((block) => isOurs(block.inserted?.['node-name'] ?? ''));
  // A device shows the bitmaps of its top node only; below a filter of ours they are asked from the nodes.
  // Filters exist from QEMU 7.1 on, where this query is safe beside finished jobs.
  const nodes = shielded ? await qmp.execute('query-named-block-nodes', { flat: true }) : [];
  const bitmapsOf = (node: string, block: Block): SeenBitmap[] => {
    const below = nodes.find((entry) => entry['node-name'] === node) ?? block.inserted;
    return seenBitmaps(below?.['dirty-bitmaps'] ?? []);
  };
  const disks = blocks.flatMap((block) => diskOf(block, graph, bitmapsOf));
  return { status, running, disks: withUniqueNames(disks), graph, jobs };
}

/** Whether a node or job name is one of ours. */
export function isOurs(name: string): boolean {
  return parseOurName(name) !== undefined;
}

function diskOf(
  block: Block,
  graph: BlockGraph,
  bitmapsOf: (node: string, block: Block) => SeenBitmap[],
): Disk[] {
  const { inserted, qdev } = block;
  const top = inserted?.['node-name'];
  if (!inserted || !qdev || !top || inserted.ro) return [];
  const node = isOurs(top) ? graph.child(top, 'file') : top;
  const { image } = inserted;
  if (node === undefined || !image) return [];
  return [
    {
      device: deviceName(idOf(qdev) ?? (block.device || node)),
      qdev,
      qomPath: (qdev.startsWith('/') ? qdev : `/machine/peripheral/${qdev}`).replace(
        /\/virtio-backend$/,
        '',
      ),
      node,
      top,
      format: isOurs(top) ? (image.format ?? inserted.drv) : inserted.drv,
      virtualBytes: image['virtual-size'],
      usedBytes: Math.min(image['actual-size'] ?? image['virtual-size'], image['virtual-size']),
      bitmaps: bitmapsOf(node, block),
    },
  ];
}

/** The id that the operator gave the device, if any. */
function idOf(qdev: string): string | undefined {
  if (!qdev.startsWith('/')) return qdev;
  return /^\/machine\/peripheral\/([^/]+)/.exec(qdev)?.[1];
}

/** The bitmaps that have a name: others are those of QEMU's own jobs. */
export function seenBitmaps(bitmaps: readonly BlockDirtyInfo[]): SeenBitmap[] {
  return bitmaps.flatMap(({ name, recording, persistent, inconsistent = false, count }) =>
    name === undefined ? [] : [{ name, recording, persistent, inconsistent, dirtyBytes: count }],
  );
}

/** Names that became one as file names get a number, each another: a device never shares its files. */
function withUniqueNames(disks: readonly Disk[]): Disk[] {
  const taken = new Set<string>();
  return disks.map((disk) => {
    let { device } = disk;
    for (let number = 1; taken.has(device); number++)
      device = `${disk.device.slice(0, 95)}-${number}`;
    taken.add(device);
    return { ...disk, device };
  });
}
