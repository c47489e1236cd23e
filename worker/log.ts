import { DefaultLogger } from '@temporalio/worker';

/** The worker's own log, on stderr, in the form of Temporal's. */
export const log = new DefaultLogger('INFO');
