import { z } from 'zod';
import { chooseDisks } from '../capture/choose-disks.ts';
import { refuseForeignJob } from '../capture/foreign-jobs.ts';
import { baseOf, refuseOldQemu } from '../capture/snapshot.ts';
import { readVmState } from '../capture/vm-state.ts';
import { BackupId } from '../model/names.ts';
import { SnapshotRequest, type SnapshotPlan } from '../model/snapshot.ts';
import type { HostDependencies } from './dependencies.ts';
import { checkAgent, checkManager } from './pre-flight.ts';
import { takeVm } from './take-vm.ts';
import { connectVm, type VmSite } from './vm-site.ts';

/** The input of `planSnapshot`. */
export const PlanSnapshotInput = z.strictObject({
  request: SnapshotRequest,
  backupId: BackupId.describe('The id of the snapshot.'),
  runId: z.uuid().describe('The original run id of the workflow, which the lock names.'),
});
export type PlanSnapshotInput = z.output<typeof PlanSnapshotInput>;

/**
 * Takes the VM's lock as a backup does, sweeps what dead runs left, and finds what stands against a snapshot before the
 * guest is touched. May be called again. A QEMU below 5.2, or an image that cannot have an overlay, is an
 * `UnsupportedQemuError`.
 */
export async function planSnapshot(
  dependencies: HostDependencies,
  input: PlanSnapshotInput & { workflowId: string },
  signal: AbortSignal,
): Promise<SnapshotPlan> {
  const { vm } = input.request;
  return takeVm(dependencies, vm, input, signal, async (site, { troubles }) => {
    const plan = await look(site, input);
    const warnings = [...plan.warnings, ...troubles].map((text) => text.slice(0, 500));
    return { ...plan, warnings };
  });
}

async function look(site: VmSite, { request, backupId }: PlanSnapshotInput): Promise<SnapshotPlan> {
  const { config } = site;
  await using qmp = await connectVm(site);
  refuseOldQemu(qmp);
  await checkManager(qmp, config);
  const quiesce = request.quiesce ?? config.quiesce;
  if (quiesce === 'required') await checkAgent(config);
  const state = await readVmState(qmp);
  const { disks, warnings } = await chooseDisks(qmp, state.disks, config.disks);
  for (const disk of disks) {
    refuseForeignJob(state, disk);
    await baseOf(qmp, disk.device, disk.node);
  }
  const { major, minor, micro } = qmp.version;
  return {
    vm: config.vm,
    backupId,
    qemuVersion: `${major}.${minor}.${micro}`,
    // The guard's work is over with the instant: there is no copy to watch.
    shield: 'fleece',
    quiesce,
    ...(config.freezeMountpoints && { freezeMountpoints: [...config.freezeMountpoints] }),
    maxFreezeSeconds: config.maxFreezeSeconds,
    warnings: [...warnings],
    disks: disks.map(({ device, node, virtualBytes }, index) => ({
      index,
      device,
      node,
      virtualBytes,
    })),
  };
}
