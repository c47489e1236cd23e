import { z } from 'zod';
import { chooseTier, queryAbilities, refuseWaiting } from '../capture/abilities.ts';
import { chooseDisks } from '../capture/choose-disks.ts';
import { refuseForeignJob } from '../capture/foreign-jobs.ts';
import { planDisks } from '../capture/plan-disks.ts';
import { findTrackingBelow } from '../capture/under-snapshots.ts';
import { readVmState, type Disk } from '../capture/vm-state.ts';
import type { Kind } from '../model/choices.ts';
import type { PublishedBackup } from '../model/decide.ts';
import { BackupId } from '../model/names.ts';
import type { BackupPlan, DiskPlan } from '../model/plan.ts';
import { BackupRequest } from '../model/request.ts';
import { shieldOf } from '../model/tier.ts';
import { BackupNotFoundError } from '../repository/errors.ts';
import { soundBackups } from '../repository/chain.ts';
import type { Survey } from '../repository/list.ts';
import type { HostDependencies } from './dependencies.ts';
import { checkAgent, checkManager, checkScratchSpace } from './pre-flight.ts';
import { takeVm } from './take-vm.ts';
import { connectVm, type VmSite } from './vm-site.ts';

/** The input of `planBackup`. */
export const PlanInput = z.strictObject({
  request: BackupRequest,
  backupId: BackupId,
  runId: z.uuid().describe('The original run id of the workflow, which the lock names.'),
  carried: z
    .array(z.string().max(500))
    .optional()
    .describe(
      'Tracking was carried over from below snapshots since the first plan; what went wrong.',
    ),
});
export type PlanInput = z.output<typeof PlanInput>;

/**
 * Takes the VM's lock, sweeps what dead runs left, finds what is wrong before the guest is touched, and decides per
 * disk what is copied. May be called again. Another backup that still runs is a `VmBusyError`.
 */
export async function planBackup(
  dependencies: HostDependencies,
  input: PlanInput & { workflowId: string },
  signal: AbortSignal,
  aim: Aim = backup,
): Promise<BackupPlan> {
  const { vm } = input.request;
  return takeVm(dependencies, vm, input, signal, async (site, { troubles, found }) => {
    const plan = await decide(site, input, found, aim);
    if (!aim.served) await site.repository.checkSpace(plan.expectedBytes, { signal });
    const warnings = [...plan.warnings, ...troubles].map((text) => text.slice(0, 500));
    return { ...plan, warnings };
  });
}

/** What a run is for. */
export type Aim = {
  /** A consumer reads the disks; else they are copied to the repository. */
  readonly served: boolean;
  /** What a disk may be incremental to, of all that the repository holds. */
  readonly parents: (survey: Survey) => readonly PublishedBackup[];
};

const backup: Aim = { served: false, parents: ({ backups }) => soundBackups(backups) };

/** `found` are the disks before the clean-up, which removed segments that are of no use and with them the reason to tell. */
async function decide(
  site: VmSite,
  { request, backupId, carried }: PlanInput,
  found: readonly Disk[],
  aim: Aim,
): Promise<BackupPlan> {
  const { config, repository } = site;
  const qmp = await connectVm(site);
  try {
    const quiesce = request.quiesce ?? config.quiesce;
    await checkManager(qmp, config);
    if (quiesce === 'required') await checkAgent(config);
    const abilities = await queryAbilities(qmp);
    const forced = request.tier ?? config.tier;
    const tier = chooseTier(abilities, {
      shield: aim.served ? 'fleece' : (request.shield ?? config.shield),
      tier: aim.served && forced && shieldOf(forced) === 'none' ? undefined : forced,
      kind: request.kind,
    });
    const shield = shieldOf(tier);
    const onErrors = {
      onSourceError: request.onSourceError ?? config.onSourceError,
      onTargetError: request.onTargetError ?? config.onTargetError,
    };
    if (!aim.served) refuseWaiting(tier, abilities, onErrors);
    const survey = await repository.survey(config.vm);
    const published = aim.parents(survey);
    const { since } = request;
    if (since !== undefined && !published.some(({ backupId }) => backupId === since))
      throw new BackupNotFoundError(
        `${config.vm}: no ${aim.served ? 'checkpoint or backup' : 'backup'} ${since} is in ${config.repository}`,
        {
          vm: config.vm,
          backupId: since,
        },
      );

    const state = await readVmState(qmp);
    const chosen = await chooseDisks(qmp, state.disks, config.disks);
    for (const disk of chosen.disks) refuseForeignJob(state, disk);
    const { disks, warnings } = await findTrackingBelow(
      qmp,
      state,
      planDisks(chosen.disks, published, request, abilities, found),
      { ...request, published, carried: carried !== undefined },
    );
    return {
      vm: config.vm,
      backupId,
      qemuVersion: abilities.version,
      shield,
      tier,
      quiesce,
      ...(aim.served ? { served: true } : {}),
      secondPass: abilities.secondPass && tier === 'fleece',
      kind: kindOf(disks),
      parent:
        disks
          .flatMap(({ parent }) => parent ?? [])
          .toSorted()
          .at(-1) ?? null,
      ...(config.freezeMountpoints && { freezeMountpoints: [...config.freezeMountpoints] }),
      maxFreezeSeconds: config.maxFreezeSeconds,
      targetStallSeconds: config.targetStallSeconds,
      maxBytesPerSecond: request.maxBytesPerSecond ?? config.maxBytesPerSecond,
      ...onErrors,
      operatorWaitSeconds: config.operatorWaitSeconds,
      expectedBytes: disks.reduce((total, disk) => total + disk.expectedBytes, 0),
      warnings: [
        ...chosen.warnings,
        ...warnings,
        ...(carried ?? []),
        ...survey.broken.map(({ problem }) => problem),
        ...(shield === 'fleece' ? await checkScratchSpace(site, tier, disks) : []),
      ],
      disks,
    };
  } finally {
    qmp.close();
  }
}

/** A backup is what most of it had to be: full only if every disk is. */
function kindOf(disks: readonly DiskPlan[]): Kind {
  return disks.find(({ kind }) => kind !== 'full')?.kind ?? 'full';
}
