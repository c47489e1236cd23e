import { ourName, temporaryBitmapName } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { plannedDisk } from './bitmap-actions.ts';
import { ExportLostError, LeftoversError } from './errors.ts';
import { addScratches, mergeRestingSegments } from './fleece.ts';
import { expectHeld, isHeldByJob } from './held-by-job.ts';
import { addExport, ourExports } from './exports.ts';
import { checkBytes, startNbdServer, type Listen } from './nbd-server.ts';
import type { CaptureContext } from './ports.ts';
import { expectAll, expectNone } from './traces.ts';
import { readVmState, type Disk } from './vm-state.ts';

/**
 * The node that a consumer reads. Where a job holds the instant its overlay, the scratch. Where a filter does, from QEMU 10.0 on what looks behind the filter: exact, and refused once the snapshot is
 * broken; below, its block status is that of the live disk (so the copy has a second pass): there it is the scratch, with
 * the disk below it, whose status is right, and a broken snapshot must be looked for.
 */
function servedNode(plan: BackupPlan, { index }: DiskPlan): string {
  return ourName(plan.backupId, index, servesScratch(plan) ? 's' : 'a');
}

function servesScratch(plan: BackupPlan): boolean {
  return plan.secondPass || isHeldByJob(plan);
}

/** All that can fail before the guest is touched: the server, the scratches, and behind filters the merge of what has changed. */
export async function prepareExports(context: CaptureContext, listen: Listen): Promise<void> {
  const { qmp, plan } = context;
  await startNbdServer(qmp, plan.backupId, listen);
  await addScratches(context, ({ node }) => (servesScratch(plan) ? node : undefined));
  if (!isHeldByJob(plan)) await mergeRestingSegments(context);
}

/**
 * Serves every disk as it was at the instant, read-only, under its device's name, with the changes since its parent as a
 * bitmap. Does not resume: traces of an earlier attempt are a `LeftoversError`.
 */
export async function startExports({ qmp, plan }: CaptureContext): Promise<void> {
  const state = await readVmState(qmp);
  expectNone(state, plan, ['c', 'j']);
  expectAll(state, plan, isHeldByJob(plan) ? 'b' : 'a');
  if (!state.graph.nodes.includes(ourName(plan.backupId, 0, 'n')))
    throw new LeftoversError('the NBD server is gone; starting anew');
  const [started] = await ourExports(qmp);
  if (started !== undefined)
    throw new LeftoversError(`${started}: an earlier attempt left it in the VM; starting anew`);
  for (const planned of plan.disks) {
    if (!isHeldByJob(plan)) await addCheckedNode(qmp, plan, planned, plannedDisk(state, planned));
    const bitmap = servedBitmap(plan, planned);
    await addExport(qmp, {
      id: ourName(plan.backupId, planned.index, 'e'),
      node: servedNode(plan, planned),
      name: planned.device,
      bitmap: bitmap === null ? null : bitmapOn(plan, planned, bitmap),
    });
  }
}

/** Adds what a check of the instant reads. */
async function addCheckedNode(
  qmp: QmpClient,
  { backupId }: BackupPlan,
  { index, device }: DiskPlan,
  { top }: Disk,
): Promise<void> {
  if (top !== ourName(backupId, index, 'f'))
    throw new LeftoversError(`disk ${device}: its filter is gone, and the instant with it`);
  await qmp.execute('blockdev-add', {
    driver: 'raw',
    'node-name': ourName(backupId, index, 'c'),
    offset: 0,
    size: checkBytes,
    file: ourName(backupId, index, 'a'),
  });
}

/** A QEMU without filters finds a bitmap by its name alone, below what it serves. */
function bitmapOn(plan: BackupPlan, { node }: DiskPlan, name: string) {
  return isHeldByJob(plan) ? name : { node, name };
}

/** The bitmap of what has changed since the parent; a full one has none. */
export function servedBitmap({ backupId }: BackupPlan, { kind, index }: DiskPlan): string | null {
  return kind === 'full' ? null : temporaryBitmapName(backupId, index);
}

/** Whether all disks of the plan are exported. An `ExportLostError` when the instant itself is gone. */
export async function areServed({ qmp, plan }: CaptureContext): Promise<boolean> {
  if (isHeldByJob(plan)) await expectHeld(qmp, plan);
  else await expectFilters(qmp, plan);
  const there = await ourExports(qmp);
  return plan.disks.every(({ index }) => there.includes(ourName(plan.backupId, index, 'e')));
}

async function expectFilters(qmp: QmpClient, plan: BackupPlan): Promise<void> {
  const { disks, graph } = await readVmState(qmp);
  for (const { device, index } of plan.disks) {
    const filter = ourName(plan.backupId, index, 'f');
    const checked = graph.nodes.includes(ourName(plan.backupId, index, 'c'));
    if (!checked || !disks.some(({ top }) => top === filter))
      throw new ExportLostError(
        `disk ${device}: QEMU keeps its instant no more (was QEMU started anew?); what was read is worth nothing, start a new export`,
      );
  }
}
