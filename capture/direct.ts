import { copyJob } from './copy-jobs.ts';
import { straightCopy } from './straight-copy.ts';

/** The straight copy for QEMU 4.2 to 7.0, and for shield `none`: its jobs leave the bitmaps alone. */
export const direct = straightCopy({ jobFor: copyJob, reconnectSeconds: 20 });
