/**
 * How a worker ends: activities get a moment to notice, and none keeps the process for ever. The defaults cut
 * activities at once, and let a stuck one hang the process.
 */
export const shutdown = {
  shutdownGraceTime: '2 seconds',
  shutdownForceTime: '15 seconds',
} as const;
