import * as fc from 'fast-check';
import type { Tier } from '../model/choices.ts';
import { stories } from './stories.ts';
import type { Story } from './story.ts';
import { Tally } from './tally.ts';
import { tell } from './tell.ts';
import { Theatre } from './theatre.ts';

/** How long, and from where. */
export type CampaignOptions = {
  readonly seed: number;
  readonly minutes: number;
  /** At most so many stories. Default: as many as the time allows. */
  readonly stories?: number | undefined;
  /** Tell only the story at this place of the seed, as a failure names it. */
  readonly path?: string | undefined;
  /** For how long a story that failed is made shorter; 0 leaves it as it is. */
  readonly shrinkMinutes: number;
  /** How every backup is taken, whatever its story says. Default: as its shield asks for. */
  readonly tier?: Tier | undefined;
  readonly signal: AbortSignal;
  /** Hears of the first failure, and of each shorter story that fails, too. */
  readonly onFailure?: (error: unknown, story: Story) => void;
  /** Filled as it goes on. */
  readonly tally: Tally;
};

export type Campaign = {
  /** The shortest story that failed, why, and how to tell it again. */
  readonly failure: { story: Story; error: unknown; path: string } | undefined;
  /** Whether there was a file system that could fill up and hang. */
  readonly files: boolean;
};

/** Tells random stories until one fails or the time is over. */
export async function campaign(options: CampaignOptions): Promise<Campaign> {
  const { seed, path, minutes, shrinkMinutes, signal, onFailure, tally } = options;
  const deadline = after(minutes);
  const end = AbortSignal.any([signal, deadline]);
  let shrinking: AbortSignal | undefined;
  let failed: { story: Story; error: unknown } | undefined;
  let theatre: Theatre | undefined = await Theatre.build(options.tier);
  const files = theatre.files !== undefined;

  const property = fc.asyncProperty(stories, async (story) => {
    if (shrinking?.aborted || signal.aborted || (!shrinking && end.aborted))
      throw new fc.PreconditionFailure(true);
    theatre ??= await Theatre.build(options.tier);
    try {
      const until = shrinking ? AbortSignal.any([shrinking, signal]) : end;
      await tell(story, theatre, shrinking ? new Tally() : tally, until);
    } catch (error) {
      failed = { story, error };
      onFailure?.(error, story);
      shrinking ??= after(shrinkMinutes);
      // What it has left behind is nobody's stage.
      await theatre[Symbol.asyncDispose]();
      theatre = undefined;
      throw error;
    }
  });
  try {
    const details = await fc.check(property, {
      seed,
      ...(path !== undefined && { path }),
      endOnFailure: shrinkMinutes === 0,
      numRuns: path === undefined ? (options.stories ?? 100_000) : 1,
    });
    const at = details.counterexamplePath ?? '';
    return { files, failure: failed && { ...failed, path: at } };
  } finally {
    await theatre?.[Symbol.asyncDispose]();
  }
}

/** A signal that somebody holds: one of `AbortSignal.timeout` is forgotten when nobody else does. */
function after(minutes: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), minutes * 60_000).unref();
  return controller.signal;
}
