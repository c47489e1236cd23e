import { z } from 'zod';
import { readJsonFile, writeWhole } from '../files/durable.ts';
import { BackupId } from '../model/names.ts';
import type { StatePaths } from './state-paths.ts';

/**
 * What became of the guest's file systems around an instant. Written before the freeze is sent and after every change,
 * so that it can be read when the guard has gone.
 */
export const FreezeRecord = z.object({
  backupId: BackupId,
  /** The guard's. */
  pid: z.int(),
  /** In all but `thawed` the guest may be frozen. */
  state: z.enum(['freezing', 'frozen', 'thawing', 'thawed']),
  since: z.iso.datetime(),
  /** When the guard gives up. Wall clock: for people; the guard's own clock decides. */
  until: z.iso.datetime(),
  /** From the freeze sent to the thaw answered; 0 when nothing was frozen. */
  frozenMs: z.number().min(0).optional(),
  /** Whether neither freeze nor pause had been given up when the instant was taken. */
  held: z.boolean(),
  /** The error that the agent answered to the thaw. */
  thawTrouble: z.string().optional(),
  /** Why they were given up, or why the copy was. */
  broken: z.string().optional(),
});
export type FreezeRecord = z.infer<typeof FreezeRecord>;

/** There for every process when this resolves; a host that goes takes the guest along. */
export async function writeFreezeRecord(
  paths: StatePaths,
  vm: string,
  record: FreezeRecord,
): Promise<void> {
  await writeWhole(paths.vm(vm).freeze, JSON.stringify(record));
}

/** A record that cannot be read tells of a freeze all the same: the guest may be frozen. */
export type FoundFreeze = FreezeRecord | { readonly state: 'unknown' };

/** What is on record of the VM's freeze, or undefined when there is no record. No damage to it is thrown. */
export async function readFreezeRecord(
  paths: StatePaths,
  vm: string,
): Promise<FoundFreeze | undefined> {
  try {
    const content = await readJsonFile(paths.vm(vm).freeze);
    return content === undefined ? undefined : FreezeRecord.parse(content);
  } catch {
    return { state: 'unknown' };
  }
}
