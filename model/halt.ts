/** Why a copy stands still until an operator says what is to become of it. What `watchCopy` tells the workflow. */
export type Halt = {
  readonly disks: readonly {
    readonly device: string;
    readonly error: 'no-space' | 'failed';
    /** Left out when nobody was looking as it happened. `read` is the disk or its scratch, `write` the target. */
    readonly operation?: 'read' | 'write';
  }[];
  /** What is still to be copied, of all disks: the room that it takes in the repository, at most. */
  readonly neededBytes: number;
};
