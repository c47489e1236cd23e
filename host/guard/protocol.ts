import { z } from 'zod';
import { Freeze, Thaw } from '../../model/instant.ts';
import { BackupId } from '../../model/names.ts';
import { phases } from './lease.ts';

/**
 * What can be asked of a guard on its socket, and what it answers: JSON lines, `{id, ask}` and `{id, answer}` or
 * `{id, error}`. Questions of one connection are answered as they are settled, in any order.
 */
export const questions = {
  /** Freezes the guest's file systems. */
  freeze: Freeze,
  /** What came of the freeze that was asked for last, on whatever connection. */
  frozen: Freeze,
  /**
   * Makes this connection the taker's: when it ends before `taken`, the guard gives freeze and pause up at once, and
   * else at the deadline, which starts now if none runs.
   */
  arm: z.object({ armed: z.boolean(), reason: z.string().optional() }),
  /** The instant is taken: answers at once whether the lease had held, and thaws. */
  taken: z.object({ held: z.boolean() }),
  /** Thaws, and answers when the agent says so. */
  thaw: Thaw,
  status: z.object({
    backupId: BackupId,
    pid: z.int(),
    phase: z.enum(phases),
    /** Whether QMP is to be had on the relay's socket. */
    relays: z.boolean(),
    broken: z.string().optional(),
  }),
  /**
   * Thaws, lets the VM run if we stopped it (`freed`), gives QMP back and exits. Answered after 5 s at most: what could
   * not be done by then it goes on trying.
   */
  end: z.object({ thawed: z.boolean(), freed: z.boolean() }),
} satisfies Record<string, z.ZodType>;

export type Question = keyof typeof questions;
export type Answer<Q extends Question> = z.infer<(typeof questions)[Q]>;

export const QuestionMessage = z.object({
  id: z.int(),
  ask: z.enum(Object.keys(questions) as [Question, ...Question[]]),
});
export type QuestionMessage = z.infer<typeof QuestionMessage>;

export const AnswerMessage = z.object({
  id: z.int(),
  answer: z.unknown().optional(),
  error: z.string().optional(),
});
export type AnswerMessage = z.infer<typeof AnswerMessage>;
