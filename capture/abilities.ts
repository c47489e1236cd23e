import type { Shield } from '../model/choices.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { UnsupportedQemuError } from './errors.ts';

/** What a QEMU can do for a backup. */
export type Abilities = {
  readonly version: string;
  /** Backup jobs that read a bitmap and leave it alone (4.2). */
  readonly bitmapSync: boolean;
  /** Copy-before-write filters and what reads behind them (7.1). */
  readonly fleecing: boolean;
  /** Whether a fleecing copy loses what the guest zeroes, so that the scratch is copied over the target. */
  readonly secondPass: boolean;
  /** Whether the VM has iothreads, and a copy job would hang this QEMU for good. */
  readonly hangsOnIothread: boolean;
};

type Version = Pick<QmpClient['version'], 'major' | 'minor'>;

/**
 * Known defects, by the first version that is free of them.
 * Features are never decided here: they are asked from `query-qmp-schema`.
 */
const firstWithout = {
  /** The block status of `snapshot-access` is that of the live disk: seen on 7.2, not on 10.0. */
  zeroLoss: { major: 10, minor: 0 },
  /** A job from a disk on an iothread to an NBD node never answers, and QEMU stands still: seen on 5.2, not on 7.2. */
  iothreadHang: { major: 7, minor: 2 },
} satisfies Record<string, Version>;

/** Asks QEMU what it can do. */
export async function queryAbilities(qmp: QmpClient): Promise<Abilities> {
  const schema = await qmp.execute('query-qmp-schema', {});
  const { major, minor, micro } = qmp.version;
  const has = (defect: keyof typeof firstWithout) => isBelow(qmp.version, firstWithout[defect]);
  // Enums are anonymous in the schema: they are told by a value that only they have.
  const enumWith = (value: string) => schema.find((entry) => entry.values?.includes(value))?.values;
  const drivers = enumWith('null-co') ?? [];
  return {
    version: `${major}.${minor}.${micro}`,
    bitmapSync: schema.some(
      ({ values }) => values?.includes('bitmap') && values.includes('incremental'),
    ),
    fleecing: drivers.includes('copy-before-write') && drivers.includes('snapshot-access'),
    secondPass: has('zeroLoss'),
    // Whose disks are on which is not asked: a VM that has iothreads uses them.
    hangsOnIothread: has('iothreadHang') && (await qmp.execute('query-iothreads', {})).length > 0,
  };
}

function isBelow({ major, minor }: Version, limit: Version): boolean {
  return major < limit.major || (major === limit.major && minor < limit.minor);
}

/** The shield to use: the wanted one, or the best that this QEMU has. What cannot be done is an `UnsupportedQemuError`. */
export function chooseShield(abilities: Abilities, wanted: Shield | undefined): Shield {
  const { version, bitmapSync, fleecing, hangsOnIothread } = abilities;
  if (!bitmapSync)
    throw new UnsupportedQemuError(
      `QEMU ${version}: its backup jobs cannot read a bitmap without clearing it; QEMU 4.2 or newer is needed`,
    );
  if (hangsOnIothread)
    throw new UnsupportedQemuError(
      `QEMU ${version}: a backup would hang it, for the VM has iothreads; QEMU 7.2 or newer is needed, or a VM without them`,
    );
  if (wanted === 'fleece' && !fleecing)
    throw new UnsupportedQemuError(
      `QEMU ${version}: it has no copy-before-write filter, so shield "fleece" needs QEMU 7.1 or newer; use shield "none"`,
    );
  return wanted ?? (fleecing ? 'fleece' : 'none');
}
