import type { RequestedKind, Shield, Tier } from './choices.ts';

/** What the choice of a tier needs to know of a QEMU. */
export type TierFeatures = {
  readonly fleecing: boolean;
  readonly bitmapSync: boolean;
  readonly merging: boolean;
  readonly exporting: boolean;
};

/** The tier to use, or why there is none. */
export type TierChoice = { readonly tier: Tier } | { readonly refused: string };

/** What is asked for. */
export type WantedTier = {
  readonly shield?: Shield | undefined;
  readonly tier?: Tier | undefined;
  readonly kind?: RequestedKind | undefined;
};

/**
 * The best tier that a QEMU has behind the wanted shield. A tier that is asked for by its name, which is for tests, is
 * taken if this QEMU has what it needs.
 */
export function tierFor(features: TierFeatures, wanted: WantedTier): TierChoice {
  const { shield, tier, kind } = wanted;
  if (shield === 'fleece' && !features.fleecing && !(features.merging && features.exporting))
    return {
      refused:
        'it cannot keep what the guest overwrites, so shield "fleece" needs QEMU 4.0 or newer; use shield "none"',
    };
  if (tier !== undefined && shield !== undefined && shield !== shieldOf(tier))
    return { refused: `tier "${tier}" has not shield "${shield}"` };
  const having = tiersOf(features, shield === 'fleece' || tier === 'fleece-job').filter(
    (one) => (shield ?? shieldOf(one)) === shieldOf(one) && (tier ?? one) === one,
  );
  if (having[0] === undefined) return { refused: `it has not what tier "${tier}" needs` };
  if (having[0] === 'grouped' && kind === 'differential')
    return {
      refused:
        'each of its copies clears the bitmap that it reads, so there are no differential backups; QEMU 3.1 or newer is needed',
    };
  return { tier: having[0] };
}

/** What a tier has between the guest's writes and the target. */
export function shieldOf(tier: Tier): Shield {
  return tier === 'fleece' || tier === 'fleece-job' ? 'fleece' : 'none';
}

/**
 * The best first. `fleece-job` takes a scratch as large as the disks, so it is for who asks for a shield. `grouped` is for a
 * QEMU that cannot merge, and for no other: there a job shows more than it expects.
 */
function tiersOf(
  { fleecing, bitmapSync, merging, exporting }: TierFeatures,
  wantsShield: boolean,
): Tier[] {
  return [
    ...(fleecing ? ['fleece' as const] : []),
    ...(wantsShield && merging && exporting ? ['fleece-job' as const] : []),
    ...(bitmapSync ? ['direct' as const] : []),
    ...(merging ? ['merge' as const] : ['grouped' as const]),
  ];
}
