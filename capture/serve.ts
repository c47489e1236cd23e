import { ourName, temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { plannedDisk } from './bitmap-actions.ts';
import { ExportLostError, LeftoversError } from './errors.ts';
import { addScratches, mergeRestingSegments } from './fleece.ts';
import { checkBytes, ourExports, startNbdServer, type Listen } from './nbd-server.ts';
import type { CaptureContext } from './ports.ts';
import { expectAll, expectNone } from './traces.ts';
import { readVmState } from './vm-state.ts';

/**
 * The node that a consumer reads. From QEMU 10.0 on what looks behind the filter: exact, and refused once the snapshot is
 * broken. Below, its block status is that of the live disk (so the copy has a second pass): there it is the scratch, with
 * the disk below it, whose status is right, and a broken snapshot must be looked for.
 */
function servedNode(plan: BackupPlan, { index }: DiskPlan): string {
  return ourName(plan.backupId, index, plan.secondPass ? 's' : 'a');
}

/** All that can fail before the guest is touched: the server, the scratches, the merge of what has changed. */
export async function prepareExports(context: CaptureContext, listen: Listen): Promise<void> {
  const { qmp, plan } = context;
  await startNbdServer(qmp, plan.backupId, listen);
  await addScratches(context, ({ node }) => (plan.secondPass ? node : undefined));
  await mergeRestingSegments(context);
}

/**
 * Serves every disk as it was at the instant, read-only, under its device's name, with the changes since its parent as a
 * bitmap. Does not resume: traces of an earlier attempt are a `LeftoversError`.
 */
export async function startExports({ qmp, plan }: CaptureContext): Promise<void> {
  const state = await readVmState(qmp);
  expectNone(state, plan, ['c', 'j']);
  expectAll(state, plan, 'a');
  if (!state.graph.nodes.includes(ourName(plan.backupId, 0, 'n')))
    throw new LeftoversError('the NBD server is gone; starting anew');
  for (const planned of plan.disks) {
    const disk = plannedDisk(state, planned);
    const name = (role: 'f' | 'a' | 'c' | 'e') => ourName(plan.backupId, planned.index, role);
    if (disk.top !== name('f'))
      throw new LeftoversError(
        `disk ${planned.device}: its filter is gone, and the instant with it`,
      );
    await qmp.execute('blockdev-add', {
      driver: 'raw',
      'node-name': name('c'),
      offset: 0,
      size: checkBytes,
      file: name('a'),
    });
    const bitmap = servedBitmap(plan, planned);
    await qmp.execute('block-export-add', {
      type: 'nbd',
      id: name('e'),
      'node-name': servedNode(plan, planned),
      name: planned.device,
      ...(bitmap === null ? {} : { bitmaps: [{ node: disk.node, name: bitmap }] }),
    });
  }
}

/** The bitmap of what has changed since the parent; a full one has none. */
export function servedBitmap({ backupId }: BackupPlan, { kind, index }: DiskPlan): string | null {
  return kind === 'full' ? null : temporaryBitmapName(backupId, index);
}

/** Whether all disks of the plan are exported. An `ExportLostError` when the instant itself is gone. */
export async function areServed({ qmp, plan }: CaptureContext): Promise<boolean> {
  const { disks, graph } = await readVmState(qmp);
  for (const { device, index } of plan.disks) {
    const filter = ourName(plan.backupId, index, 'f');
    const checked = graph.nodes.includes(ourName(plan.backupId, index, 'c'));
    if (!checked || !disks.some(({ top }) => top === filter))
      throw new ExportLostError(
        `disk ${device}: QEMU keeps its instant no more (was QEMU started anew?); what was read is worth nothing, start a new export`,
      );
  }
  const there = await ourExports(qmp);
  return plan.disks.every(({ index }) => there.includes(ourName(plan.backupId, index, 'e')));
}
