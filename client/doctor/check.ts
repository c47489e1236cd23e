/** One thing that doctor looked at. */
export type Check = {
  /** The VM it concerns; absent when it concerns the host. */
  readonly vm?: string;
  /** What was looked at, a word: `qmp`, `agent`, `repository`. */
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  /** What was found. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
};
