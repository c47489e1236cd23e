import { describe, expect, it } from 'vitest';
import { LeftoversError } from '../../capture/errors.ts';
import { expectAll, expectNone, isShielded, ourTraces } from '../../capture/traces.ts';
import { readVmState } from '../../capture/vm-state.ts';
import { ourName } from '../../model/names.ts';
import { FakeVm } from './fake-vm.ts';
import { diskPlan, ofWednesday, samplePlan, wednesday } from './sample.ts';
import { openRecorded } from './recorded.ts';
import { putDirectCopy } from './scenes.ts';

const plan = samplePlan({ disks: [diskPlan(0), diskPlan(1)] });
const ours = (role: string) => `sp-20261124T000000Z-bbbb-00${role}`;

async function recorded(topology: string) {
  return readVmState(await openRecorded(topology));
}

async function copying(...disks: readonly number[]) {
  const vm = new FakeVm();
  putDirectCopy(vm, ...disks);
  return readVmState(await vm.open());
}

describe('ourTraces', () => {
  it('are the nodes and jobs of ours, each once', async () => {
    const traces = ourTraces(await recorded('copy-behind-a-filter'));

    expect(traces.toSorted()).toEqual(['a', 'f', 'j', 's', 't'].map(ours));
  });

  it('are none where only others work', async () => {
    expect(ourTraces(await recorded('foreign-filter-and-job'))).toEqual([]);
  });
});

describe('isShielded', () => {
  const cases = [
    { topology: 'copy-behind-a-filter', is: true },
    { topology: 'foreign-filter-and-job', is: false },
    { topology: 'two-named-disks-with-bitmaps', is: false },
  ];
  for (const { topology, is } of cases)
    it(`says ${is} of: ${topology}`, async () =>
      expect(isShielded(await recorded(topology))).toBe(is));
});

describe('expectNone', () => {
  it('looks for those roles alone', async () => {
    const state = await copying(0);

    expect(() => expectNone(state, plan, ['s', 'a', 'k'])).not.toThrow();
    expect(() => expectNone(state, plan, ['k', 't'])).toThrow(LeftoversError);
  });

  it('finds the segment of this backup where the instant is still to come', async () => {
    const vm = new FakeVm();
    vm.bitmaps.put('vd1-node', ofWednesday);
    const state = await readVmState(await vm.open());

    expect(() => expectNone(state, plan, ['f'])).toThrow(ofWednesday);
    expect(() => expectNone(state, plan, ['t', 'a'])).not.toThrow();
  });
});

describe('expectAll', () => {
  it('is content when each disk has its node or job', async () => {
    const state = await copying(0, 1);

    expect(() => expectAll(state, plan, 't')).not.toThrow();
    expect(() => expectAll(state, plan, 'j')).not.toThrow();
  });

  it('names the one that is missing', async () => {
    const state = await copying(0);

    expect(() => expectAll(state, plan, 'j')).toThrow(LeftoversError);
    expect(() => expectAll(state, plan, 'j')).toThrow(ourName(wednesday, 1, 'j'));
  });
});
