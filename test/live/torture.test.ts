import { expect, it } from 'vitest';
import { queryAbilities } from '../../capture/abilities.ts';
import { startQemu } from '../../lab/start-qemu.ts';
import type { Tier } from '../../model/choices.ts';
import { tierFor } from '../../model/tier.ts';
import { campaign } from '../../torture/campaign.ts';
import { printStory } from '../../torture/print-story.ts';
import { Tally } from '../../torture/tally.ts';

const never = new AbortController().signal;

/** The story asks for shields that an old QEMU has not: there all its backups are taken the way that it has. */
async function onlyTier(): Promise<Tier | undefined> {
  await using machine = await startQemu();
  const abilities = await queryAbilities(machine.labQmp);
  if (!('refused' in tierFor(abilities, { shield: 'fleece' }))) return undefined;
  const choice = tierFor(abilities, {});
  return 'refused' in choice ? undefined : choice.tier;
}

// This one has two VMs, a QEMU that is restarted, and one that is killed while its backup is taken.
it('one short random story keeps every promise', { timeout: 300_000 }, async () => {
  const tally = new Tally();
  const tier = await onlyTier();
  const { failure } = await campaign({
    tier,
    seed: 6165,
    stories: 1,
    minutes: 4,
    shrinkMinutes: 0,
    signal: never,
    tally,
  });

  expect(failure && [String(failure.error), ...printStory(failure.story)]).toBeUndefined();
  expect(tally.stories).toBe(1);
  expect(tally.completed).toBeGreaterThanOrEqual(5);
  expect(tally.faultsHit).toBeGreaterThanOrEqual(1);
});
