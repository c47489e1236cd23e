import type { BackupPlan, DiskPlan } from '../../model/plan.ts';
import { segmentName } from '../../model/names.ts';
import type { DiskPlace, Receivers, StopLease } from '../../capture/ports.ts';

export const [monday, tuesday, wednesday] = [
  '20261123T020000Z-0001',
  '20261124T020000Z-0002',
  '20261125T020000Z-0003',
] as const;

export const MiB = 1024 ** 2;

/** The segments of the first two backups: Monday's rests, Tuesday's records. */
export const mondayOf = (device: string) => segmentName(device, monday, null);
export const tuesdayOf = (device: string) => segmentName(device, tuesday, monday);
export const [ofMonday, ofTuesday] = [mondayOf('vd0'), tuesdayOf('vd0')];
/** The one that Wednesday's backup, which is on its way, begins. */
export const ofWednesday = segmentName('vd0', wednesday, tuesday);

export function diskPlan(index: number, changes: Partial<DiskPlan> = {}): DiskPlan {
  return {
    index,
    device: `vd${index}`,
    node: `vd${index}-node`,
    virtualBytes: 64 * MiB,
    persistent: true,
    kind: 'incremental',
    reason: 'changes-since-parent',
    parent: monday,
    previous: tuesday,
    merge: [ofTuesday, ofMonday],
    expectedBytes: 65_536,
    ...changes,
  };
}

/** A full backup of a disk that was never backed up. */
export function fullPlan(index: number, changes: Partial<DiskPlan> = {}): DiskPlan {
  const full = { kind: 'full', reason: 'first-backup', parent: null, previous: null } as const;
  return diskPlan(index, { ...full, merge: [], ...changes });
}

/** Wednesday's backup. */
export function samplePlan(changes: Partial<BackupPlan> = {}): BackupPlan {
  return {
    vm: 'web1',
    backupId: wednesday,
    qemuVersion: '7.2.22',
    shield: 'fleece',
    quiesce: 'preferred',
    secondPass: true,
    kind: 'incremental',
    parent: monday,
    maxFreezeSeconds: 10,
    targetStallSeconds: 60,
    expectedBytes: 65_536,
    warnings: [],
    disks: [diskPlan(0)],
    ...changes,
  };
}

/** Wednesday's backup of two disks: the changes of a qcow2, and for the first time a raw image. */
export const mixedPlan = samplePlan({
  disks: [diskPlan(0), fullPlan(1, { persistent: false })],
});

/** Where QEMU would serve what we alone read. */
export const exportSocket = '/run/sp/nbd.sock';

export const places: readonly DiskPlace[] = [0, 1].map((index) => ({
  targetSocket: `/run/sp/${index}.sock`,
  scratchPath: `/scratch/${index}.qcow2`,
  scratchLimitBytes: 10 * MiB,
}));

/** Receivers and a lease that only write down what is asked of them, into the log of the commands. */
export function receiversInto(log: string[]): Receivers {
  return {
    probe: async () => {},
    end: async () => void log.push('end receivers'),
    replace: async () => void log.push('replace receivers'),
    substituteDead: async (disks) =>
      void log.push(`substitute dead ${disks.map(({ index }) => index).join(', ')}`),
  };
}

export function leaseInto(log: string[]): StopLease {
  return {
    write: async () => void log.push('write lease'),
    clear: async () => void log.push('clear lease'),
  };
}
