import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { BackupStatus } from './report.ts';

/** Asks a backup how far it is. */
export const statusQuery = defineQuery<BackupStatus>('status');

/** Tells a backup that is being cancelled not to wait for its host any longer: the sweep cleans up when the host is back. */
export const abandonSignal = defineSignal('abandon');
