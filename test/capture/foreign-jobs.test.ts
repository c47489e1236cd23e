import { describe, expect, it } from 'vitest';
import { ForeignJobError } from '../../capture/errors.ts';
import { refuseForeignJob } from '../../capture/foreign-jobs.ts';
import { BlockGraph } from '../../capture/graph.ts';
import { readVmState, type Disk } from '../../capture/vm-state.ts';
import { ourName } from '../../model/names.ts';
import { openRecorded } from './recorded.ts';

const disk: Disk = {
  device: 'vd0',
  qdev: 'vd0',
  qomPath: '/machine/peripheral/vd0',
  node: 'vd0-node',
  top: 'vd0-node',
  format: 'qcow2',
  virtualBytes: 1024 ** 2,
  usedBytes: 0,
  bitmaps: [],
};

/** What is above what: `device` and `job` are no nodes. */
function graphOf(edges: readonly (readonly [above: string, link: string, below: string])[]) {
  const names = [...new Set(edges.flatMap(([above, , below]) => [above, below]))];
  const type = (name: string) =>
    name === 'device' ? 'block-backend' : name === 'job' ? 'block-job' : 'block-driver';
  return new BlockGraph({
    nodes: names.map((name, id) => ({ id, name, type: type(name) })),
    edges: edges.map(([above, name, below]) => ({
      parent: names.indexOf(above),
      child: names.indexOf(below),
      name,
      perm: [],
      'shared-perm': [],
    })),
  });
}

describe('refuseForeignJob', () => {
  it('refuses a disk below the filter that QEMU does not tell', () => {
    const graph = graphOf([
      ['device', 'root', '#block101'],
      ['#block101', 'backing', 'vd0-node'],
      ['job', 'main node', '#block101'],
      ['vd0-node', 'file', '#block100'],
    ]);

    expect(() => refuseForeignJob({ graph, jobs: [] }, disk)).toThrow(ForeignJobError);
  });

  it('lets a reader be above the disk that no device has', () => {
    const graph = graphOf([
      ['device', 'root', 'vd0-node'],
      ['theirs', 'file', 'vd0-node'],
    ]);

    expect(() => refuseForeignJob({ graph, jobs: [] }, disk)).not.toThrow();
  });

  const job = (id: string, type: string, status: 'running' | 'concluded' = 'running') => ({
    id,
    type,
    status,
    'current-progress': 0,
    'total-progress': 1,
  });

  it('refuses every disk where QEMU does not tell which one the job is at work on', () => {
    const state = { graph: graphOf([]), jobs: [job('theirs', 'mirror')] };

    expect(() => refuseForeignJob(state, disk)).toThrow(/theirs, mirror/);
  });

  it('lets a mirror of another disk be, where QEMU tells what is above a disk', () => {
    const graph = graphOf([['device', 'root', 'vd0-node']]);

    expect(() => refuseForeignJob({ graph, jobs: [job('theirs', 'mirror')] }, disk)).not.toThrow();
  });

  it('lets jobs be there that put nothing above a disk, and ours', () => {
    const ours = ourName('20260102T000000Z-abcd', 0, 'j');
    const jobs = [
      job('theirs', 'backup'),
      job(ours, 'mirror'),
      job('their-last', 'mirror', 'concluded'),
    ];

    expect(() => refuseForeignJob({ graph: graphOf([]), jobs }, disk)).not.toThrow();
  });

  for (const recorded of ['copy-behind-a-filter', 'foreign-filter-and-job', 'external-snapshot'])
    it(`has nothing against: ${recorded}`, async () => {
      const state = await readVmState(await openRecorded(recorded));

      for (const one of state.disks) expect(() => refuseForeignJob(state, one)).not.toThrow();
    });
});
