/** The steps up to the instant, after which the guest is thawed. */
export const instantSteps = ['prepareTargets', 'freezeGuest', 'takeInstant', 'thawGuest'] as const;

/** The steps of an export that its consumer completes. */
export const allExportSteps = [
  'planExport',
  'prepareExport',
  'freezeGuest',
  'takeInstant',
  'thawGuest',
  'startExport',
  'watchExport',
  'closeExport',
  'commitBackup',
  'publishExport',
] as const;

/** The steps of a backup that meets no trouble. */
export const allSteps = [
  'planBackup',
  ...instantSteps,
  'startCopy',
  'watchCopy',
  'commitBackup',
  'publishBackup',
] as const;
