import { z } from 'zod';

/** A path on the host, whoever asks from where. */
export const AbsolutePath = z.string().startsWith('/', { error: 'must be an absolute path' });

/** A VM's name: 1 to 63 letters, digits, `.`, `_`, `-`; a letter or digit first, no two dots in a row. */
export const VmName = z
  .string()
  .max(63)
  .regex(/^[A-Za-z0-9](?!.*\.\.)[A-Za-z0-9._-]*$/, {
    error:
      'a VM name is 1 to 63 letters, digits, ".", "_", "-", a letter or digit first, no two dots in a row',
  })
  // The repository's own file lies beside the folders of its VMs.
  .refine((name) => name !== 'repository.json', { error: 'a VM cannot be named repository.json' });

/** A backup's id, made by `backupIdOf`. */
export const BackupId = z
  .string()
  .regex(/^\d{8}T\d{6}Z-[0-9a-f]{4}$/, { error: 'a backup id looks like 20261124T020501Z-3fa9' });

/** Where a file system is mounted in a guest: `/data`, or `D:\\` on Windows. */
export const MountPoint = z.string().min(1).max(255);

/** A disk's name in manifests and file names: made by `deviceName`, so it is safe as a file name. */
export const DeviceName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/);

/** Makes a disk's name safe as a file name. Different names may meet: the caller looks. */
export function deviceName(raw: string): string {
  return (
    raw
      .replaceAll(/[^A-Za-z0-9._-]/g, '_')
      .replace(/^[.-]/, '_')
      .slice(0, 100) || '_'
  );
}

/**
 * What a node or job of ours is for: `t` target, `s` scratch, `f` filter (copy-before-write),
 * `a` snapshot-access, `j` copy job, `k` second-pass job, `p` the probe of the way to the target or of the NBD server, `o`
 * what the overlays of somebody's snapshot have allocated, `e` export, `n` the mark of our NBD server, `x` its TLS
 * credentials, `c` what a check of the instant reads, `h` the holder of a group of jobs, `b` the job that keeps what the
 * guest overwrites.
 */
export type Role =
  | 't'
  | 's'
  | 'f'
  | 'a'
  | 'j'
  | 'k'
  | 'p'
  | 'o'
  | 'e'
  | 'n'
  | 'x'
  | 'c'
  | 'h'
  | 'b';

/** The name of a node or job of ours: 28 characters of the 31 that QEMU allows. */
export function ourName(backupId: string, disk: number, role: Role): string {
  return `sp-${backupId}-${String(disk).padStart(2, '0')}${role}`;
}

const OurName = /^sp-(\d{8}T\d{6}Z-[0-9a-f]{4})-(\d\d)([tsfajkpoenxchb])$/;

/** Reads a name that `ourName` made, or tells that it is not ours. */
export function parseOurName(
  name: string,
): { backupId: string; disk: number; role: Role } | undefined {
  const [, backupId, disk, role] = OurName.exec(name) ?? [];
  if (!backupId || !role) return undefined;
  return { backupId, disk: Number(disk), role: role as Role };
}

/**
 * The node of an overlay that a snapshot of ours puts above a disk: 29 characters. It stays the disk's for good, so no
 * clean-up takes it for one of ours.
 */
export function snapshotNode(snapshotId: string, disk: number): string {
  return `snap-${snapshotId}-${String(disk).padStart(2, '0')}`;
}

/**
 * The bitmap that records from one backup's instant until the next one's. It names its device, for it lies in the image:
 * when images change places, each tells whose changes it holds.
 */
export function segmentName(device: string, backupId: string, previous: string | null): string {
  return `stillpoint:${backupId}:${previous ?? 'none'}:${device}`;
}

/** The bitmap that a copy reads: the merge of the segments since its parent. Never persistent, never recording. */
export function temporaryBitmapName(backupId: string, disk: number): string {
  return `stillpoint-tmp:${backupId}:${String(disk).padStart(2, '0')}`;
}

const SegmentName =
  /^stillpoint:(\d{8}T\d{6}Z-[0-9a-f]{4}):(none|\d{8}T\d{6}Z-[0-9a-f]{4}):([A-Za-z0-9_][A-Za-z0-9._-]{0,99})$/;

/** Reads a segment's name, or tells that the bitmap is not a segment of ours. */
export function parseSegmentName(
  name: string,
): { device: string; backupId: string; previous: string | null } | undefined {
  const [, backupId, previous, device] = SegmentName.exec(name) ?? [];
  if (!backupId || !previous || !device) return undefined;
  return { device, backupId, previous: previous === 'none' ? null : previous };
}

/** Whether a bitmap is one that a copy of ours read, left by a run that died. */
export function isTemporaryBitmap(name: string): boolean {
  return /^stillpoint-tmp:\d{8}T\d{6}Z-[0-9a-f]{4}:\d\d$/.test(name);
}

/** The note in QEMU that a job of this backup clears the segment that it reads: an empty bitmap on that disk. */
export function spentMark(backupId: string, disk: number): string {
  return `stillpoint-spent:${backupId}:${String(disk).padStart(2, '0')}`;
}

/** The backup of such a note, or undefined for any other bitmap. */
export function parseSpentMark(name: string): string | undefined {
  return /^stillpoint-spent:(\d{8}T\d{6}Z-[0-9a-f]{4}):\d\d$/.exec(name)?.[1];
}
