import type { Tier } from '../model/choices.ts';
import type { BackupPlan } from '../model/plan.ts';
import { direct } from './direct.ts';
import { fleece } from './fleece.ts';
import { fleeceJob } from './fleece-job.ts';
import { grouped } from './grouped.ts';
import { merge } from './merge.ts';
import type { Capture } from './ports.ts';

const captures: Record<Tier, Capture> = {
  fleece,
  'fleece-job': fleeceJob,
  direct,
  merge,
  grouped,
};

/** The way that a plan is carried out. A plan of an older version names its shield alone. */
export function captureFor({ tier, shield }: Pick<BackupPlan, 'tier' | 'shield'>): Capture {
  return captures[tier ?? (shield === 'fleece' ? 'fleece' : 'direct')];
}
