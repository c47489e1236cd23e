import { snapshotNode } from '../model/names.ts';
import { chainOf } from '../model/segments.ts';
import type { SnapshotPlan } from '../model/snapshot.ts';
import type { BlockdevOptions } from '../qemu/qmp/block-nodes.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { granularity, samePlace, type Action } from './bitmap-actions.ts';
import { LeftoversError, UnsupportedQemuError } from './errors.ts';
import type { Taken } from './ports.ts';
import { readVmState, type VmState } from './vm-state.ts';

/** The image of a disk, as its overlay has to know it. */
export type Base = {
  readonly file: string;
  readonly format: 'qcow2' | 'raw';
  readonly options: Pick<BlockdevOptions, 'cache' | 'detect-zeroes'>;
};

/** Refuses a QEMU below 5.2: persistent bitmaps under an overlay come back stale there, or take the disk away. */
export function refuseOldQemu({ version: { major, minor, micro } }: QmpClient): void {
  if (major > 5 || (major === 5 && minor >= 2)) return;
  throw new UnsupportedQemuError(
    `QEMU ${major}.${minor}.${micro}: below an overlay it loses what was tracked, or the disk; snapshots need QEMU 5.2 or newer`,
  );
}

/** The image of a node that a device has. One that is no file, or in another format, is an `UnsupportedQemuError`. */
export async function baseOf(qmp: QmpClient, device: string, node: string): Promise<Base> {
  const blocks = await qmp.execute('query-block', {});
  const inserted = blocks.find((block) => block.inserted?.['node-name'] === node)?.inserted;
  const file = inserted?.file ?? '';
  const format = inserted?.drv;
  if (!file.startsWith('/') || (format !== 'qcow2' && format !== 'raw'))
    throw new UnsupportedQemuError(
      `disk ${device}: a snapshot needs an image in a file, qcow2 or raw, and this is ${format} on ${file}`,
    );
  const zeroes = inserted?.detect_zeroes;
  const cache = inserted?.cache;
  return {
    file,
    format,
    options: {
      ...(cache && { cache: { direct: cache.direct, 'no-flush': cache['no-flush'] } }),
      ...(zeroes && { 'detect-zeroes': zeroes }),
    },
  };
}

/** Opens an overlay beside the disk that it is for, with the settings of its image: nobody has it yet. */
export async function addOverlay(
  qmp: QmpClient,
  node: string,
  filename: string,
  { options }: Base,
): Promise<void> {
  const { cache } = options;
  await qmp.execute('blockdev-add', {
    driver: 'qcow2',
    'node-name': node,
    ...options,
    discard: 'unmap',
    file: { driver: 'file', filename, discard: 'unmap', ...(cache && { cache }) },
    backing: null,
  });
}

/**
 * Puts every disk onto its overlay, all at one instant, and carries its segments over: one transaction, so all of it
 * happens or nothing. Traces of an earlier attempt are a `LeftoversError`.
 */
export async function takeSnapshot(qmp: QmpClient, plan: SnapshotPlan): Promise<Taken> {
  const state = await readVmState(qmp);
  const disks = plan.disks.map((planned) => ({
    planned,
    disk: samePlace(state, planned),
    overlay: snapshotNode(plan.backupId, planned.index),
  }));
  const missing = disks.find(({ overlay }) => !state.graph.nodes.includes(overlay));
  if (missing) throw new LeftoversError(`${missing.overlay}: it is not in the VM any more`);
  const actions = [
    // From its own action on, a disk stands still until the end of the transaction.
    ...disks.map(({ disk, overlay }): Action => ({
      type: 'blockdev-snapshot',
      data: { node: disk.node, overlay },
    })),
    ...disks.flatMap(({ disk, overlay }) =>
      chainOf(disk).flatMap(({ name, recording }): Action[] => [
        {
          type: 'block-dirty-bitmap-add',
          data: { node: overlay, name, persistent: true, granularity, disabled: !recording },
        },
        {
          type: 'block-dirty-bitmap-merge',
          data: { node: overlay, target: name, bitmaps: [{ node: disk.node, name }] },
        },
      ]),
    ),
  ];
  await qmp.execute('transaction', { actions });
  return { takenAt: new Date().toISOString(), pausedMs: 0 };
}

/** Whether a node was ever put above another one, or is in use: an overlay that was only added has nothing below it. */
export function isInUse({ graph }: Pick<VmState, 'graph'>, node: string): boolean {
  return (
    graph.child(node, 'backing') !== undefined ||
    graph.isRoot(node) ||
    graph.parents(node).length > 0
  );
}
