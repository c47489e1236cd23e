import { describe, expect, it } from 'vitest';
import { backingChain, backingNodes, isOverlay } from '../../capture/backing-chain.ts';
import { BlockGraph } from '../../capture/graph.ts';
import { readVmState, type Job, type VmState } from '../../capture/vm-state.ts';
import { AnsweringQemu } from './answering-qemu.ts';
import { openRecorded } from './recorded.ts';

const nothing = new BlockGraph({ nodes: [], edges: [] });
const quiet = { jobs: [], status: 'running', graph: nothing };
const job = { id: 'theirs', type: 'backup', status: 'concluded' } as Job;

/** What a QEMU of that version is asked in that state. */
async function asked(state: Pick<VmState, 'jobs' | 'status' | 'graph'>, version = '7.2.22') {
  const vm = new AnsweringQemu(
    { 'query-commands': () => [], 'query-named-block-nodes': () => [] },
    version,
  );
  const nodes = await backingNodes(await vm.open(), state);
  return { nodes, wasAsked: vm.sent.join().includes('query-named-block-nodes') };
}

describe('backingNodes', () => {
  it('asks for all nodes where nothing is under way', async () => {
    expect(await asked(quiet)).toEqual({ nodes: new Map(), wasAsked: true });
  });

  const loose = new BlockGraph({
    nodes: [{ id: 1, type: 'block-driver', name: '#block9' }],
    edges: [],
  });
  const refused = [
    { title: 'below QEMU 5.2', state: quiet, version: '5.1.0' },
    { title: 'beside a job of whomever', state: { ...quiet, jobs: [job] } },
    { title: 'where a failed write has paused the VM', state: { ...quiet, status: 'io-error' } },
    { title: 'beside the filter that a job has left', state: { ...quiet, graph: loose } },
  ];
  for (const { title, state, version } of refused)
    it(`does not ask ${title}, for that may kill QEMU or lie, and says why`, async () => {
      const { nodes, wasAsked } = await asked(state, version);

      expect(nodes).toBeTypeOf('string');
      expect(wasAsked).toBe(false);
    });
});

describe('backingChain', () => {
  it('follows an overlay down to its base, with the bitmaps of each', async () => {
    const qmp = await openRecorded('external-snapshot');
    const state = await readVmState(qmp);
    const nodes = await backingNodes(qmp, state);
    if (typeof nodes === 'string') throw new Error(nodes);

    const chain = backingChain(state, nodes, 'overlay');

    expect(chain.map(({ node, format }) => [node, format])).toEqual([
      ['overlay', 'qcow2'],
      ['vd0-node', 'qcow2'],
    ]);
    expect(chain[1]?.bitmaps).toMatchObject([
      { name: 'stillpoint:20261123T000000Z-aaaa:none:vd0', recording: true },
    ]);
    expect([isOverlay(state, 'overlay'), isOverlay(state, 'vd0-node')]).toEqual([true, false]);
  });
});
