import * as fc from 'fast-check';
import {
  faultKinds,
  type Backup,
  type Fault,
  type Step,
  type Story,
  type VmStory,
  type Write,
} from './story.ts';

/** Commands that stand at a turning point of a backup. A backup sends some 60 in all. */
const turningPoints = [
  'blockdev-add',
  'stop',
  'transaction',
  'qom-set',
  'cont',
  'job-finalize',
  'job-dismiss',
  'blockdev-del',
];

/** Faults after which much has to start anew, or that are waited out, are rarer. */
const weights: Partial<Record<Fault['kind'], number>> = {
  'connection cut': 4,
  'receiver killed': 4,
  'guard killed': 3,
  'worker killed': 3,
  'QEMU killed': 2,
  'target full': 3,
  'target hung': 3,
  cancelled: 2,
};

const anyDisk = fc.nat({ max: 3 });

const write: fc.Arbitrary<Write> = fc.record({
  op: fc.oneof(
    { weight: 4, arbitrary: fc.constant('write' as const) },
    { weight: 2, arbitrary: fc.constant('zero' as const) },
    { weight: 1, arbitrary: fc.constant('discard' as const) },
  ),
  disk: anyDisk,
  at: fc.nat({ max: 65_535 }),
  sectors: fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 256 }) },
    { weight: 1, arbitrary: fc.integer({ min: 256, max: 4096 }) },
  ),
});

const fault: fc.Arbitrary<Fault> = fc.record({
  kind: fc.oneof(
    ...faultKinds.map((kind) => ({ weight: weights[kind] ?? 1, arbitrary: fc.constant(kind) })),
  ),
  at: fc.oneof(
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 60 }) },
    { weight: 1, arbitrary: fc.constantFrom(...turningPoints) },
  ),
  when: fc.constantFrom('before' as const, 'after' as const),
});

const backup: fc.Arbitrary<Backup> = fc.record({
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('auto' as const) },
    { weight: 1, arbitrary: fc.constantFrom('full' as const, 'incremental' as const) },
    { weight: 2, arbitrary: fc.constant('differential' as const) },
  ),
  since: fc.option(fc.nat({ max: 20 }), { nil: undefined }),
  shield: fc.oneof(
    { weight: 3, arbitrary: fc.constant('fleece' as const) },
    { weight: 1, arbitrary: fc.constant('none' as const) },
  ),
  slow: fc.boolean(),
  during: fc.array(write, { maxLength: 8 }),
  fault: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fault },
  ),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('back up' as const), backup }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      writes: fc.array(write, { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('grow' as const), disk: anyDisk }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('plug or unplug' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      how: fc.constantFrom('quit' as const, 'kill' as const),
    }),
  },
);

const disk = fc.record({
  attachment: fc.nat({ max: 30 }),
  format: fc.constantFrom('qcow2' as const, 'qcow2' as const, 'qcow2' as const, 'raw' as const),
  size: fc.integer({ min: 1, max: 6 }),
});

const vm: fc.Arbitrary<VmStory> = fc.record({
  disks: fc.array(disk, { minLength: 1, maxLength: 3, size: 'max' }),
  steps: fc.array(step, { minLength: 1, maxLength: 20, size: 'max' }),
});

/** A place that is left empty now and then, and when a story is made shorter. */
const place = fc.option(vm, { nil: undefined, freq: 5 });

/** Stories to be told, as fast-check makes and shrinks them. */
export const stories: fc.Arbitrary<Story> = fc.tuple(place, place, place).map((places) => ({
  vms: places.filter((one): one is VmStory => one !== undefined),
}));
