import type { InstantRecord } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import { forgetCheckpoint, recordCheckpoint } from './checkpoint.ts';
import { deleteBackup } from './delete.ts';
import type { OnBytes } from './digest.ts';
import { listBackups, surveyBackups } from './list.ts';
import { openRepository } from './mark.ts';
import { listPartials, preparePartial, removePartial } from './partial.ts';
import { type Origin, publish } from './publish.ts';
import { checkSpace } from './space.ts';
import { verifyDigests } from './verify.ts';

type OfVm = { vm?: string | undefined };
type OfBackup = { vm: string; backupId: string };
type OfCheckpoint = { plan: BackupPlan; instant: InstantRecord; origin: Origin; keep: number };
type OfPublish = { plan: BackupPlan; instant: InstantRecord; origin: Origin };

/** What the child process can be asked. Arguments and results survive JSON. */
export const calls = {
  open: async (folder: string, { create }: { create: boolean }) =>
    openRepository(folder, { create }),
  list: async (folder: string, { vm }: OfVm) => listBackups(folder, vm),
  survey: async (folder: string, { vm }: OfVm) => surveyBackups(folder, vm),
  checkSpace: async (folder: string, { neededBytes }: { neededBytes: number }) =>
    checkSpace(folder, neededBytes),
  prepare: async (folder: string, { vm, backupId }: OfBackup) =>
    preparePartial(folder, vm, backupId),
  publish: async (folder: string, { plan, instant, origin }: OfPublish, onBytes: OnBytes) =>
    publish(folder, plan, instant, origin, onBytes),
  listPartials: async (folder: string, { vm }: { vm: string }) => listPartials(folder, vm),
  removePartial: async (folder: string, { vm, backupId }: OfBackup) =>
    removePartial(folder, vm, backupId),
  delete: async (folder: string, { vm, backupId }: OfBackup) => deleteBackup(folder, vm, backupId),
  recordCheckpoint: async (folder: string, { plan, instant, origin, keep }: OfCheckpoint) =>
    recordCheckpoint(folder, plan, instant, origin, keep),
  forgetCheckpoint: async (folder: string, { vm, backupId }: OfBackup) =>
    forgetCheckpoint(folder, vm, backupId),
  verify: async (folder: string, { vm, backupId }: OfBackup, onBytes: OnBytes) =>
    verifyDigests(folder, vm, backupId, onBytes),
};

export type Call = keyof typeof calls;
export type CallArguments<C extends Call> = Parameters<(typeof calls)[C]>[1];
export type CallResult<C extends Call> = Awaited<ReturnType<(typeof calls)[C]>>;
