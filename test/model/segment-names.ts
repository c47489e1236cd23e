import { segmentName } from '../../model/names.ts';
import type { SeenBitmap } from '../../model/segments.ts';

export const [monday, tuesday, wednesday, thursday] = [
  '20261123T020000Z-0001',
  '20261124T020000Z-0002',
  '20261125T020000Z-0003',
  '20261126T020000Z-0004',
] as const;

/** A segment as QEMU shows it: resting, and sound. */
export function segment(
  backupId: string,
  previous: string | null,
  is: Partial<SeenBitmap> = {},
): SeenBitmap {
  return {
    name: segmentName('vd0', backupId, previous),
    recording: false,
    persistent: true,
    inconsistent: false,
    dirtyBytes: 65_536,
    ...is,
  };
}

export const recording = { recording: true };
export const inconsistent = { inconsistent: true };

/** The segments of the first three days, as they are after Wednesday's backup. */
export const threeDays = [
  segment(monday, null),
  segment(tuesday, monday),
  segment(wednesday, tuesday, recording),
];
