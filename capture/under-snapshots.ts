import type { PublishedBackup } from '../model/decide.ts';
import type { DiskPlan } from '../model/plan.ts';
import type { ParsedRequest } from '../model/request.ts';
import { trackingBelow } from '../model/under-snapshots.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { backingChain, backingNodes, isOverlay } from './backing-chain.ts';
import type { VmState } from './vm-state.ts';

type Wish = Pick<ParsedRequest, 'kind' | 'since'> & {
  readonly published: readonly PublishedBackup[];
  /** Whether tracking was carried over already: what still lies below then stays there. */
  readonly carried: boolean;
};

/**
 * Finds, for each disk that would go full, the tracking that an external snapshot has left below it. What can be carried
 * over is put into the plan (`below`); what cannot is told as the reason, with a sentence for the operator.
 */
export async function findTrackingBelow(
  qmp: QmpClient,
  state: VmState,
  disks: readonly DiskPlan[],
  { published, kind, since, carried }: Wish,
): Promise<{ disks: DiskPlan[]; warnings: string[] }> {
  const isAsked = ({ kind: decided, reason, node }: DiskPlan) =>
    decided === 'full' &&
    !['requested-full', 'first-backup'].includes(reason) &&
    isOverlay(state, node);
  if (!disks.some(isAsked)) return { disks: [...disks], warnings: [] };
  const nodes = await backingNodes(qmp, state);
  const warnings: string[] = [];
  const found = disks.map((disk): DiskPlan => {
    if (!isAsked(disk)) return disk;
    const below =
      typeof nodes === 'string'
        ? nodes
        : trackingBelow(backingChain(state, nodes, disk.node), {
            device: disk.device,
            published,
            kind,
            since,
          });
    if (below === undefined) return disk;
    if (typeof below !== 'string' && !carried) return { ...disk, below: mutable(below) };
    if (typeof below === 'string')
      warnings.push(`${disk.device}: its tracking lies below an external snapshot: ${below}`);
    return { ...disk, reason: 'tracking-under-snapshot' };
  });
  return { disks: found, warnings };
}

function mutable({
  from,
  overlays,
  segments,
}: Exclude<ReturnType<typeof trackingBelow>, string | undefined>) {
  return { from, overlays: [...overlays], segments: [...segments] };
}
