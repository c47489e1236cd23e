import { expect, it } from 'vitest';
import { campaign } from '../../torture/campaign.ts';
import { printStory } from '../../torture/print-story.ts';
import { Tally } from '../../torture/tally.ts';

const never = new AbortController().signal;

// This one has two VMs, a QEMU that is restarted, and one that is killed while its backup is taken.
it('one short random story keeps every promise', { timeout: 300_000 }, async () => {
  const tally = new Tally();
  const { failure } = await campaign({
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
