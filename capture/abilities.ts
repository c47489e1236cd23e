import type { OnError, Tier } from '../model/choices.ts';
import { tierFor, type WantedTier } from '../model/tier.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { featuresOf, type Features } from '../qemu/qmp/features.ts';
import { UnsupportedQemuError } from './errors.ts';

/** What a QEMU can do for a backup. */
export type Abilities = Features & {
  readonly version: string;
  /** Whether a fleecing copy loses what the guest zeroes, so that the scratch is copied over the target. */
  readonly secondPass: boolean;
  /** Whether the VM has iothreads, and a copy job would hang this QEMU for good. */
  readonly hangsOnIothread: boolean;
  /** Whether a bitmap in an image can be trusted after somebody has put a snapshot above it and taken it away. */
  readonly keepsBitmaps: boolean;
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
  /**
   * A persistent bitmap below an external snapshot comes back from its commit without what was written meanwhile (seen on
   * 3.1 and 4.0, not on 5.2), or makes the guest's writes fail (2.11).
   */
  staleBitmaps: { major: 5, minor: 2 },
  /**
   * A backup job that has the host copy goes over what lies in the middle of a write and was kept before: seen on 4.0, not on
   * 5.2. To NBD nothing can be offloaded.
   */
  copiesTooMuch: { major: 5, minor: 2 },
  /** What is older was never tried, and shows no device's path. */
  untried: { major: 2, minor: 11 },
} satisfies Record<string, Version>;

/** Asks QEMU what it can do. */
export async function queryAbilities(qmp: QmpClient): Promise<Abilities> {
  const features = featuresOf(await qmp.execute('query-qmp-schema', {}));
  const { major, minor, micro } = qmp.version;
  const version = `${major}.${minor}.${micro}`;
  const has = (defect: keyof typeof firstWithout) => isBelow(qmp.version, firstWithout[defect]);
  if (has('untried'))
    throw new UnsupportedQemuError(`QEMU ${version}: QEMU 2.11 or newer is needed`);
  return {
    version,
    ...features,
    secondPass: has('zeroLoss'),
    // Whose disks are on which is not asked: a VM that has iothreads uses them.
    hangsOnIothread: has('iothreadHang') && (await qmp.execute('query-iothreads', {})).length > 0,
    keepsBitmaps: !has('staleBitmaps'),
  };
}

/** No job copies there that could stand still: what is not to fail at once is an `UnsupportedQemuError`. */
export function refuseWaiting(
  tier: Tier,
  { version }: Pick<Abilities, 'version'>,
  policies: Readonly<Record<'onSourceError' | 'onTargetError', OnError>>,
): void {
  if (tier !== 'fleece-job') return;
  for (const [policy, value] of Object.entries(policies))
    if (value !== 'report')
      throw new UnsupportedQemuError(
        `QEMU ${version}: with shield "fleece" ${policy} can only be "report" there, not "${value}"; leave it out, use shield "none", or QEMU 7.1 or newer`,
      );
}

/** Whether a job may have the host copy to a scratch. */
export function mayOffload({ version }: Pick<QmpClient, 'version'>): boolean {
  return !isBelow(version, firstWithout.copiesTooMuch);
}

function isBelow({ major, minor }: Version, limit: Version): boolean {
  return major < limit.major || (major === limit.major && minor < limit.minor);
}

/** The tier to use: the wanted one, or the best that this QEMU has. What cannot be done is an `UnsupportedQemuError`. */
export function chooseTier(abilities: Abilities, wanted: WantedTier): Tier {
  const { version, hangsOnIothread } = abilities;
  if (hangsOnIothread)
    throw new UnsupportedQemuError(
      `QEMU ${version}: a backup would hang it, for the VM has iothreads; QEMU 7.2 or newer is needed, or a VM without them`,
    );
  const choice = tierFor(abilities, wanted);
  if ('refused' in choice) throw new UnsupportedQemuError(`QEMU ${version}: ${choice.refused}`);
  return choice.tier;
}
