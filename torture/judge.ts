import type { Manifest } from '../model/manifest.ts';
import type { Actor } from './actor.ts';
import { checkBackup, leftovers, publishedOf, type Published } from './check.ts';
import { checkForeignBitmaps } from './foreign-bitmaps.ts';
import { Miss } from './miss.ts';
import type { Performance } from './perform-backup.ts';
import type { End, Tally } from './tally.ts';
import type { Theatre } from './theatre.ts';
import { untilNone } from './until.ts';

const tidyMs = 15_000;

/** Classes that no error of the product has. */
const unnamed = new Set([
  'Error',
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'AssertionError',
]);

/** Holds what has come of a backup against everything that is promised. What it has published is added to `past`. */
export async function judge(
  theatre: Theatre,
  actor: Actor,
  performance: Performance,
  { past, tally }: { past: Published[]; tally: Tally },
): Promise<void> {
  const { backup, outcome, struck } = performance;
  const end = endOf(outcome);
  if (backup.fault) tally.fault(backup.fault.kind, struck ? end : 'not hit');
  tally.count('shields', backup.shield);
  actor.unclean = end === 'terminated';
  expectUnharmed(actor, performance);
  if ('type' in outcome) {
    tally.count('backups', end);
    tally.count('failures', outcome.type);
    expectExplained(actor, outcome, performance);
  }

  const published = await newlyPublished(theatre, actor, past);
  if ('result' in outcome && !published.includes(outcome.result.backupId))
    throw new Miss(`${actor.name}: backup ${outcome.result.backupId} is not in the repository`);
  for (const backupId of published) {
    const instant = actor.instants.taken.at(-1);
    if (!instant || performance.instants === 0)
      throw new Miss(`${actor.name}: backup ${backupId} has no instant`);
    past.push({ backupId, instant });
    const manifest = await checkBackup(theatre, actor, { backupId, instant }, tally);
    tally.count('backups', 'result' in outcome ? manifest.kind : 'published by a terminated run');
    for (const { kind, reason } of manifest.disks) tally.count('disks', `${kind}: ${reason}`);
    expectTracked(actor, manifest, performance);
  }
  if ('result' in outcome && struck !== 'QEMU killed' && struck !== 'QEMU ended')
    for (const disk of actor.plugged) disk.tracked = true;

  // A tier whose jobs clear what they read may have spent it.
  if (!('result' in outcome) && theatre.tier === 'grouped')
    for (const disk of actor.disks) disk.tracked = false;

  // What a terminated run has left, the next one removes.
  if (end !== 'terminated') {
    const left = await untilNone(async () => leftovers(theatre, actor), tidyMs);
    if (left.length > 0) throw new Miss(`${actor.name}: left behind: ${left.join(', ')}`);
  }
  await checkForeignBitmaps(actor);
}

function endOf(outcome: Performance['outcome']): End {
  if ('result' in outcome) return 'completed';
  return outcome.type === 'TerminatedFailure' ? 'terminated' : 'rolled back';
}

/** With a shield no write of the guest ever fails, and without one only after a fault. */
function expectUnharmed({ name }: Actor, { backup, struck, failedWrites }: Performance): void {
  const [failure] = failedWrites;
  if (failure !== undefined && (backup.shield === 'fleece' || !struck))
    throw new Miss(`${name}: a write of the guest failed: ${failure}`);
}

function expectExplained(
  { name }: Actor,
  { type, message }: { type: string; message: string },
  { struck, disturbed }: Performance,
): void {
  if (!struck && !disturbed) throw new Miss(`${name}: failed without a fault: ${type}: ${message}`);
  if (unnamed.has(type)) throw new Miss(`${name}: failed by a defect: ${type}: ${message}`);
}

/** Also what was published by a run that did not live to tell of it. */
async function newlyPublished(
  theatre: Theatre,
  actor: Actor,
  past: readonly Published[],
): Promise<string[]> {
  const known = new Set(past.map(({ backupId }) => backupId));
  return (await publishedOf(theatre, actor)).filter((backupId) => !known.has(backupId));
}

/** A disk whose changes were tracked all the time is not copied in full, unless that was asked for. */
function expectTracked(
  { name, disks }: Actor,
  manifest: Manifest,
  { backup, tracked }: Performance,
): void {
  if (backup.kind === 'full' || backup.kind === 'differential') return;
  for (const { kind, reason, device, virtualBytes } of manifest.disks) {
    const own = disks.find(({ model }) => model.bytes === virtualBytes);
    if (kind === 'full' && own && tracked.includes(own.index))
      throw new Miss(`${name}: ${device} went full although it was tracked: ${reason}`);
  }
}
