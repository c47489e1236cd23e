import { z } from 'zod';

/** What the caller asks for. `auto`: incremental where tracking allows it, else full. */
export const RequestedKind = z.enum(['auto', 'full', 'incremental', 'differential']);
export type RequestedKind = z.infer<typeof RequestedKind>;

/** What a backup, or one disk of it, turned out to be. */
export const Kind = z.enum(['full', 'incremental', 'differential']);
export type Kind = z.infer<typeof Kind>;

/** Whether the guest's file systems are frozen around the instant, and what a failed freeze means. */
export const Quiesce = z.enum(['required', 'preferred', 'off']);
export type Quiesce = z.infer<typeof Quiesce>;

/** What stands between the guest's writes and the target. */
export const Shield = z.enum(['fleece', 'none']);
export type Shield = z.infer<typeof Shield>;

/**
 * What becomes of a copy that meets an error: it fails, tries again, waits for an operator, or waits if it is for want of
 * room and fails otherwise.
 */
export const OnError = z.enum(['report', 'ignore', 'stop', 'enospc']);
export type OnError = z.infer<typeof OnError>;

/** How a backup is taken on its QEMU: one file in `capture/` each. The first two have the shield `fleece`, the others none. */
export const Tier = z.enum(['fleece', 'fleece-job', 'direct', 'merge', 'grouped']);
export type Tier = z.infer<typeof Tier>;

/** What the content of a backup is worth: `filesystem` was frozen at the instant, `crash` is as after a power cut. */
export const Consistency = z.enum(['filesystem', 'crash']);
export type Consistency = z.infer<typeof Consistency>;

/** Why a disk is backed up the way it is. All but the first two mean that the disk goes full. */
export const Reason = z
  .enum([
    'changes-since-parent',
    'changes-since-chosen',
    'requested-full',
    'first-backup',
    'no-tracking',
    'tracking-inconsistent',
    'tracking-broken',
    'tracking-under-snapshot',
    'image-moved',
    'disk-resized',
    'parent-not-in-repository',
    'since-not-tracked',
  ])
  .describe('Why a disk is backed up the way it is.');
export type Reason = z.infer<typeof Reason>;

/** How fast each disk is copied at most, in bytes per second: 0 is no limit. A slower copy would look like one that hangs. */
export const BytesPerSecond = z
  .int()
  .min(0)
  .max(1024 ** 4)
  .refine((bytes) => bytes === 0 || bytes >= 65_536, {
    error: 'a limit is 64 KiB per second at least; 0 is none',
  });
