import { clearingCopyJob } from './copy-jobs.ts';
import { straightCopy } from './straight-copy.ts';

/**
 * The straight copy for QEMU 3.1 to 4.1, whose jobs clear the bitmap that they read when they succeed: that is the
 * temporary one, into which the segments were merged. A target that loses its receiver does not wait there.
 */
export const merge = straightCopy({ jobFor: clearingCopyJob, reconnectSeconds: 0 });
