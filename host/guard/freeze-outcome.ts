import type { Freeze } from '../../model/instant.ts';
import { MountPoint } from '../../model/names.ts';
import type { GuestFileSystem } from '../../qemu/qga/commands.ts';

const maxKnown = 100;

/** What was to be frozen, and what the guest had when that was asked. Both may be left out: all, and not known. */
export type Wanted = {
  readonly asked: readonly string[] | undefined;
  readonly known: readonly GuestFileSystem[] | undefined;
};

/**
 * What a freeze came to that the agent answered with the number of file systems it froze. It passes over in silence what
 * is not there, and what cannot be frozen: a list of which less was frozen than asked for has a `shortfall`.
 */
export function freezeOutcome(filesystems: number, { asked, known }: Wanted): Freeze {
  const shortfall = asked && shortfallOf(filesystems, asked, known);
  return {
    frozen: true,
    filesystems,
    ...(asked && { asked: [...asked] }),
    ...(known && { known: mountPointsOf(known) }),
    ...(shortfall !== undefined && { shortfall: shortfall.slice(0, 500) }),
  };
}

/** The answer when nothing is frozen, and why. */
export function notFrozen(trouble: string): Freeze {
  return { frozen: false, filesystems: 0, trouble: trouble.slice(0, 500) };
}

function shortfallOf(
  filesystems: number,
  asked: readonly string[],
  known: readonly GuestFileSystem[] | undefined,
): string | undefined {
  const absent = known && asked.filter((point) => !known.some((one) => one.mountpoint === point));
  if (absent && absent.length > 0)
    return `the guest has no file system mounted at ${absent.join(', ')}; correct freezeMountpoints`;
  // One that is mounted in two places is frozen once.
  const wanted = known
    ? new Set(known.flatMap(({ mountpoint, name }) => (asked.includes(mountpoint) ? name : [])))
    : new Set(asked);
  if (filesystems >= wanted.size) return undefined;
  return (
    `the agent froze ${filesystems} of the ${wanted.size} file systems at ${asked.join(', ')}, and does not say which; ` +
    'one of them cannot be frozen, or was already'
  );
}

/** Told by the guest, so taken only as far as it is short. */
function mountPointsOf(known: readonly GuestFileSystem[]): string[] {
  const points = known.map(({ mountpoint }) => mountpoint);
  return points.filter((point) => MountPoint.safeParse(point).success).slice(0, maxKnown);
}
