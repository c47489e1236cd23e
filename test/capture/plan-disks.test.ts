import { describe, expect, it } from 'vitest';
import { planDisks } from '../../capture/plan-disks.ts';
import { readVmState, type Disk } from '../../capture/vm-state.ts';
import type { PublishedBackup } from '../../model/decide.ts';
import { DiskPlan } from '../../model/plan.ts';
import { MiB } from './sample.ts';
import { openRecorded } from './recorded.ts';

const [monday, tuesday] = ['20261123T000000Z-aaaa', '20261124T000000Z-bbbb'] as const;
const ofMonday = `stillpoint:${monday}:none:vd0`;
const ofTuesday = `stillpoint:${tuesday}:${monday}:vd0`;

function held(backupId: string, ...devices: readonly string[]): PublishedBackup {
  const disk = { virtualBytes: 64 * MiB, kind: 'full' as const };
  return { backupId, disks: devices.map((device) => ({ device, ...disk })) };
}

async function plan(
  topology: string,
  published: readonly PublishedBackup[],
  request: Parameters<typeof planDisks>[2] = { kind: 'auto' },
): Promise<DiskPlan[]> {
  const { disks } = await readVmState(await openRecorded(topology));
  return planDisks(disks, published, request, { keepsBitmaps: true, merging: true });
}

const both = [held(monday, 'vd0', 'vd1'), held(tuesday, 'vd0', 'vd1')];

describe('planDisks', () => {
  it('decides for each disk alone: a qcow2 with segments, and a raw one that lost them', async () => {
    expect(await plan('two-named-disks-with-bitmaps', both)).toEqual([
      {
        index: 0,
        device: 'vd0',
        node: 'vd0-node',
        virtualBytes: 64 * MiB,
        persistent: true,
        kind: 'incremental',
        reason: 'changes-since-parent',
        parent: tuesday,
        previous: tuesday,
        merge: [ofTuesday],
        expectedBytes: 0,
      },
      {
        index: 1,
        device: 'vd1',
        node: 'vd1-node',
        virtualBytes: 64 * MiB,
        persistent: false,
        kind: 'full',
        reason: 'no-tracking',
        parent: null,
        previous: null,
        merge: [],
        expectedBytes: 200_704,
      },
    ]);
  });

  const [two, snapshot] = ['two-named-disks-with-bitmaps', 'external-snapshot'] as const;
  const cases = [
    {
      title: 'goes full for a first backup, and goes on with the chain that is there',
      topology: two,
      published: [],
      plan: { kind: 'full', reason: 'first-backup', previous: tuesday },
    },
    {
      title: 'reaches behind a backup that was not published',
      topology: two,
      published: [held(monday, 'vd0')],
      plan: { kind: 'incremental', parent: monday, merge: [ofTuesday, ofMonday] },
    },
    {
      title: 'builds a differential on an older backup',
      topology: two,
      published: both,
      request: { kind: 'differential' as const, since: monday },
      plan: { kind: 'differential', parent: monday, merge: [ofTuesday, ofMonday] },
    },
    {
      title: "goes full after somebody's external snapshot, whose overlay has no segment",
      topology: snapshot,
      published: [held(monday, 'vd0')],
      plan: { kind: 'full', reason: 'no-tracking', previous: null, node: 'overlay' },
    },
    {
      title: "goes full below somebody's filter, which hides the segments",
      topology: 'foreign-filter-and-job',
      published: [held(monday, 'vd0')],
      plan: { kind: 'full', reason: 'no-tracking', persistent: false },
    },
    {
      title: 'goes full when the disk has become larger',
      topology: two,
      published: [
        {
          backupId: tuesday,
          disks: [{ device: 'vd0', virtualBytes: 32 * MiB, kind: 'full' as const }],
        },
      ],
      plan: { kind: 'full', reason: 'disk-resized', previous: tuesday },
    },
  ];
  for (const { title, topology, published, request, plan: expected } of cases)
    it(`${title}, as in: ${topology}`, async () => {
      const [first] = await plan(topology, published, request);

      expect(first).toMatchObject(expected);
    });

  it('keeps no segment in an image where a snapshot above it would spoil it', async () => {
    const { disks } = await readVmState(await openRecorded(two));

    const planned = planDisks(
      disks,
      both,
      { kind: 'auto' },
      { keepsBitmaps: false, merging: true },
    );

    expect(planned.map(({ persistent }) => persistent)).toEqual([false, false]);
  });

  it('makes plans that a later activity takes', async () => {
    for (const disk of await plan('unnamed-devices-of-every-kind', []))
      expect(DiskPlan.safeParse(disk).success).toBe(true);
  });

  it('expects what the merged segments count, and no more than the disk holds', async () => {
    const { disks } = await readVmState(await openRecorded(two));
    const counting = (dirtyBytes: number) =>
      disks.map((disk): Disk => ({
        ...disk,
        bitmaps: disk.bitmaps.map((bitmap) => ({ ...bitmap, dirtyBytes })),
      }));
    const since = [held(monday, 'vd0')];

    const [few] = planDisks(
      counting(MiB),
      since,
      { kind: 'auto' },
      { keepsBitmaps: true, merging: true },
    );
    const [many] = planDisks(
      counting(40 * MiB),
      since,
      { kind: 'auto' },
      { keepsBitmaps: true, merging: true },
    );

    expect(few?.expectedBytes).toBe(2 * MiB);
    expect(many?.expectedBytes).toBe(64 * MiB);
  });
});
