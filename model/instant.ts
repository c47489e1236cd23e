import { z } from 'zod';
import { Consistency } from './choices.ts';
import { MountPoint } from './names.ts';

const Milliseconds = z.number().min(0);

/** What was frozen, as far as the guest agent tells. */
export const Frozen = z.strictObject({
  filesystems: z.int().min(0).describe('How many file systems the agent froze.'),
  asked: z.array(MountPoint).optional().describe('The mount points that alone were to be frozen.'),
  known: z
    .array(MountPoint)
    .optional()
    .describe('Where the guest had file systems just before, as its agent says; 100 at most.'),
});
export type Frozen = z.infer<typeof Frozen>;

const Trouble = z.string().max(500);

/** What a freeze came to. */
export const Freeze = Frozen.extend({
  frozen: z.boolean(),
  trouble: Trouble.optional().describe('Why nothing was frozen although it was wanted.'),
  shortfall: Trouble.optional().describe('What was asked for and is not frozen, beside what is.'),
});
export type Freeze = z.infer<typeof Freeze>;

/** What `takeInstant` did to the guest. */
export const Instant = z.strictObject({
  takenAt: z.iso.datetime(),
  pausedMs: Milliseconds.describe(
    'How long the guest stood still, from `stop` to `cont`. 0 if it did not.',
  ),
  held: z.boolean().describe('Whether the freeze, if there was one, still held at the instant.'),
  freeze: Freeze,
});
export type Instant = z.infer<typeof Instant>;

/** What `thawGuest` found. */
export const Thaw = z.strictObject({
  frozenMs: Milliseconds.describe(
    'From the freeze sent to the thaw answered. 0 if nothing was frozen.',
  ),
  held: z.boolean().describe('Whether the freeze had held at the instant.'),
  trouble: Trouble.optional().describe('The error that the agent answered to the thaw.'),
});
export type Thaw = z.infer<typeof Thaw>;

/** How a backup met its instant, as the manifest records it. */
export const InstantRecord = z.strictObject({
  takenAt: z.iso.datetime(),
  consistency: Consistency,
  frozenMs: Milliseconds,
  pausedMs: Milliseconds,
  /** Left out when nothing was frozen. */
  frozen: Frozen.optional(),
  warnings: z.array(z.string().max(500)),
});
export type InstantRecord = z.infer<typeof InstantRecord>;

/** How far a copy is. The heartbeat details of `watchCopy`. */
export type Progress = {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** 0 to 100, whole. */
  readonly percent: number;
};
