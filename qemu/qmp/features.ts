import type { SchemaInfo } from './replies.ts';

/** What a backup can be made of in a QEMU, as its schema tells. */
export type Features = {
  /** Copy-before-write filters and what reads behind them (7.1). */
  readonly fleecing: boolean;
  /** Backup jobs that read a bitmap and leave it alone (4.2). */
  readonly bitmapSync: boolean;
  /** Bitmaps that rest and are merged, in one transaction with the jobs (3.1, where both are experimental). */
  readonly merging: boolean;
  /** Exports of a node with a bitmap (4.0). */
  readonly exporting: boolean;
};

/** Reads a schema. Enums are anonymous in it: they are told by values that only they have. */
export function featuresOf(schema: readonly SchemaInfo[]): Features {
  const someEnumHas = (...values: string[]) =>
    schema.some((entry) => values.every((value) => entry.values?.includes(value)));
  const has = (command: string) => schema.some(({ name }) => name === command);
  const takes = (command: string, argument: string) => {
    const type = schema.find(({ name }) => name === command)?.['arg-type'];
    const args = schema.find(({ name }) => name === type);
    return args?.members?.some(({ name }) => name === argument) ?? false;
  };
  return {
    fleecing: someEnumHas('copy-before-write', 'snapshot-access'),
    bitmapSync: someEnumHas('bitmap', 'incremental'),
    merging: ['block-dirty-bitmap-merge', 'x-block-dirty-bitmap-merge'].some((merge) =>
      someEnumHas('blockdev-backup', merge),
    ),
    exporting: takes('nbd-server-add', 'bitmap') || has('block-export-add'),
  };
}
