import { shieldOf } from '../model/tier.ts';
import { Actor } from './actor.ts';
import { grow, plugOrUnplug } from './change-disks.ts';
import { checkBackup, type Published } from './check.ts';
import { judge } from './judge.ts';
import { performBackup } from './perform-backup.ts';
import type { Backup, Step, Story, VmStory } from './story.ts';
import type { Tally } from './tally.ts';
import type { Theatre } from './theatre.ts';
import { vmNames } from './write-inventory.ts';

/** The backup that every VM's story ends with. */
const last: Backup = {
  kind: 'auto',
  since: undefined,
  shield: 'fleece',
  slow: false,
  during: [],
  fault: undefined,
};

/** Plays a story to its end, or until `signal`. Throws a `Miss` where a promise is not kept. */
export async function tell(
  { vms }: Story,
  theatre: Theatre,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  // What has failed for one of them needs no more of the others.
  const failed = new AbortController();
  const until = AbortSignal.any([signal, failed.signal]);
  const ends = await Promise.allSettled(
    vms.map(async (vm, place) => {
      try {
        await tellOf(vm, place, { theatre, tally, signal: until });
      } catch (error) {
        failed.abort();
        throw error;
      }
    }),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  if (!signal.aborted) tally.stories++;
}

type Scene = { readonly theatre: Theatre; readonly tally: Tally; readonly signal: AbortSignal };

async function tellOf({ disks, steps }: VmStory, place: number, scene: Scene): Promise<void> {
  const { theatre, signal } = scene;
  const [name, tap] = [vmNames[place], theatre.taps[place]];
  if (name === undefined || !tap) return;
  try {
    await using actor = await Actor.start(disks, { tap, name, place });
    const past: Published[] = [];
    for (const step of [...steps, { do: 'back up', backup: last } as const]) {
      if (signal.aborted) return;
      await perform(step, actor, past, scene);
    }
    await lookBack(actor, past, scene);
  } finally {
    await theatre.clear(place);
  }
}

async function perform(
  step: Step,
  actor: Actor,
  past: Published[],
  { theatre, tally }: Scene,
): Promise<void> {
  if (step.do === 'back up') {
    const performed = await performBackup(theatre, actor, asTaken(step.backup, theatre), past);
    return judge(theatre, actor, performed, { past, tally });
  }
  tally.count('happenings', step.do === 'restart' ? `QEMU ${step.how}` : step.do);
  switch (step.do) {
    case 'write':
      for (const write of step.writes) await actor.write(write);
      return;
    case 'grow':
      return grow(actor, step.disk);
    case 'plug or unplug':
      return plugOrUnplug(actor);
    case 'restart':
      await actor.end(step.how);
      return actor.revive();
  }
}

/** A backup of a story as a tier can take it. One that clears what its jobs read has no differentials. */
function asTaken(backup: Backup, { tier }: Theatre): Backup {
  if (tier === undefined) return backup;
  const kind = tier === 'grouped' && backup.kind === 'differential' ? 'auto' : backup.kind;
  return { ...backup, kind, shield: shieldOf(tier) };
}

/** All that was ever published still restores, and the disks hold what was written to them. */
async function lookBack(actor: Actor, past: readonly Published[], scene: Scene): Promise<void> {
  for (const published of past) await checkBackup(scene.theatre, actor, published, scene.tally);
  await actor.end('quit');
  await actor.checkImages();
}
