import { z } from 'zod';
import { ourJobsNow } from '../capture/await-jobs.ts';
import { haltedJobs, resumeJobs } from '../capture/halted-jobs.ts';
import { bytesLeft, passesOf } from '../capture/passes.ts';
import { BackupPlan } from '../model/plan.ts';
import type { HostDependencies } from './dependencies.ts';
import { atStep, withCapture } from './vm-site.ts';

/** The input of `resumeCopy`. */
export const ResumeInput = z.strictObject({
  plan: BackupPlan,
  force: z.boolean().describe('Without a look at the room in the repository.'),
});
export type ResumeInput = z.output<typeof ResumeInput>;

/**
 * Has a copy go on that stands still: what failed is done again. Where room was wanting there has to be enough for what is
 * left to be copied, else it is a `NoSpaceError`, and nothing is changed. May be called again.
 */
export async function resumeCopy(
  dependencies: HostDependencies,
  { plan, force }: ResumeInput,
  signal: AbortSignal,
): Promise<void> {
  return atStep(dependencies, plan, signal, async (site) =>
    withCapture(site, plan, async ({ qmp }) => {
      const halted = await haltedJobs(qmp, plan);
      if (!force && halted.some(({ error }) => error === 'no-space')) {
        const needed = bytesLeft(passesOf(plan, await ourJobsNow(qmp)), plan);
        await site.repository.checkSpace(needed, { signal });
      }
      await resumeJobs(qmp, halted);
    }),
  );
}
