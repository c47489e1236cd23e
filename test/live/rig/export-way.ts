import { closeExport } from '../../../activities/close-export.ts';
import { commitBackup } from '../../../activities/commit-backup.ts';
import { freezeGuest } from '../../../activities/freeze-guest.ts';
import { planExport } from '../../../activities/plan-export.ts';
import { prepareExport } from '../../../activities/prepare-export.ts';
import { publishExport } from '../../../activities/publish-export.ts';
import { startExport } from '../../../activities/start-export.ts';
import { takeInstant } from '../../../activities/take-instant.ts';
import { thawGuest } from '../../../activities/thaw-guest.ts';
import type { ExportResult, ServedDisk } from '../../../model/export.ts';
import type { BackupPlan } from '../../../model/plan.ts';
import { BackupRequest } from '../../../model/request.ts';
import { OnTheWay, unfrozen } from './on-the-way.ts';
import { copyDisks, type Oracle } from './oracle.ts';
import type { Rig } from './rig.ts';

const { signal } = new AbortController();

/** The steps of an export on its host, in their order. */
export const exportSteps = [
  'planExport',
  'prepareExport',
  'freezeGuest',
  'takeInstant',
  'thawGuest',
  'startExport',
  'closeExport',
  'commitBackup',
  'publishExport',
] as const;
export type ExportStep = (typeof exportSteps)[number];

/** An export on its way. */
export class ExportWay extends OnTheWay<ExportStep, BackupPlan> {
  readonly #request: Partial<BackupRequest>;
  #served: readonly ServedDisk[] = [];
  #result: ExportResult | undefined;

  /** The request as `locateExport` gives it: with a `since` it is a differential. */
  constructor(rig: Rig, request: Partial<BackupRequest> = {}) {
    super(rig, exportSteps);
    this.#request = request;
  }

  /** Where its disks can be read. */
  get served(): readonly ServedDisk[] {
    return this.#served;
  }

  /** Goes on until the disks are served. What they held at the instant: of a machine whose guest did not write. */
  async toServed(): Promise<Oracle> {
    await this.until('thawGuest');
    const held = await copyDisks(this.rig, this.plan);
    await this.until('startExport');
    return held;
  }

  /** What its consumer says when it has everything. */
  async complete(): Promise<ExportResult> {
    await this.until('publishExport');
    if (!this.#result) throw new Error('nothing was recorded');
    return this.#result;
  }

  protected override async perform(step: ExportStep): Promise<void> {
    const { dependencies } = this.rig;
    if (step === 'planExport') {
      const request = BackupRequest.parse({ vm: 'vm', ...this.#request });
      this.decided(await planExport(dependencies, { request, ...this.run }, signal));
    } else if (step === 'startExport')
      this.#served = await startExport(dependencies, this.plan, signal);
    else if (step === 'publishExport') {
      const { runId, workflowId } = this.run;
      const published = { plan: this.plan, instant: unfrozen, runId, workflowId };
      this.#result = await publishExport(dependencies, published, signal);
    } else await planned[step](dependencies, this.plan, signal);
  }
}

/** The steps whose only input is the plan. */
const planned = {
  prepareExport,
  freezeGuest,
  takeInstant,
  thawGuest,
  closeExport,
  commitBackup,
};
