import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { atVm, type VmSite } from '../../activities/vm-site.ts';
import { atWorkFor, trackedFor } from '../../activities/wrong-vm.ts';
import { readVmState } from '../../capture/vm-state.ts';
import { rememberRepository } from '../../host/known-repository.ts';
import { acquireLock } from '../../host/lock.ts';
import { makeVmFolders, type StatePaths } from '../../host/state-paths.ts';
import { Inventory } from '../../model/inventory.ts';
import type { RepositoryMark } from '../../model/manifest.ts';
import { RepositoryFormatError } from '../../repository/errors.ts';
import type { Survey } from '../../repository/list.ts';
import { RemoteRepository } from '../../repository/remote.ts';
import { openRecorded } from '../capture/recorded.ts';
import { makeStateFolder } from '../host/state-folder.ts';

const [monday, tuesday] = ['20261123T000000Z-aaaa', '20261124T000000Z-bbbb'] as const;
const mark = { formatVersion: 1, repositoryId: '6a2f41a3-c54c-4ce8-8ee1-0b6a8f4d3a11' } as const;

/** Which backups each VM has; null stands for a folder that cannot be listed. They are broken: such count too. */
type Published = Readonly<Record<string, readonly string[] | null>>;

class FakeRepository extends RemoteRepository {
  readonly #published: Published;
  readonly asked: string[] = [];

  constructor(folder: string, published: Published) {
    super(folder);
    this.#published = published;
  }

  override async open(): Promise<RepositoryMark> {
    return mark;
  }

  override async survey(vm = ''): Promise<Survey> {
    this.asked.push(vm);
    const about = { vm, file: `/srv/backups/${vm}`, problem: `/srv/backups/${vm}: not a folder` };
    const ids = this.#published[vm];
    const nothing = { backups: [], checkpoints: [] };
    if (ids === null) return { ...nothing, broken: [about] };
    return { ...nothing, broken: (ids ?? []).map((backupId) => ({ ...about, backupId })) };
  }
}

/** `work` at the VM web1, beside web2 and web3, of which the last has another repository. */
async function atWeb1<T>(
  published: Published,
  work: (site: VmSite, repository: FakeRepository) => Promise<T>,
  prepare: (paths: StatePaths) => Promise<unknown> = async () => undefined,
): Promise<T> {
  await using state = await makeStateFolder();
  const inventory = Inventory.parse({
    host: 'hv1',
    repository: '/srv/backups',
    vms: {
      web1: { qmp: '/run/web1.sock' },
      web2: { qmp: '/run/web2.sock' },
      web3: { qmp: '/run/web3.sock', repository: '/srv/others' },
      elsewhere: { qmp: '/run/web1.sock', host: 'hv2' },
    },
  });
  const repository = new FakeRepository('/srv/backups', published);
  const dependencies = {
    inventory,
    inventoryFile: 'stillpoint.yaml',
    hostName: 'hv1',
    paths: state.paths,
    guardCommand: [],
    repository: () => repository,
    isRunning: async () => false,
  };
  await rememberRepository(state.paths, '/srv/backups', mark.repositoryId);
  await prepare(state.paths);
  const { signal } = new AbortController();
  return await atVm(dependencies, 'web1', signal, async (site) => work(site, repository));
}

describe('trackedFor', () => {
  const cases = [
    {
      title: 'names the VM whose backups the bitmaps are of',
      published: { web2: [monday] },
      says: 'the machine behind /run/web1.sock is web2: its disks carry',
    },
    {
      title: 'does so although this VM has other backups',
      published: { web1: ['20261201T000000Z-cccc'], web2: [monday, tuesday] },
      says: 'the machine behind /run/web1.sock is web2: its disks carry',
    },
    {
      title: 'is silent when one of the bitmaps is of a backup of this VM',
      published: { web1: [tuesday], web2: [monday, tuesday] },
    },
    { title: 'is silent when nobody has such a backup', published: { web1: [], web2: [] } },
    {
      title: 'is silent when a VM has it that this host does not serve',
      published: { elsewhere: [monday], renamed: [monday] },
    },
    {
      title: 'does not look for a VM where its backups are not',
      published: { web3: [monday, tuesday] },
    },
  ];
  for (const { title, published, says = 'nothing' } of cases)
    it(`it ${title}`, async () => {
      const { disks } = await readVmState(await openRecorded('two-named-disks-with-bitmaps'));
      const own = new Set(published.web1 ?? []);

      const wrong = await atWeb1(published, async (site) => trackedFor(site, disks, own));

      expect(wrong?.message ?? 'nothing').toContain(says);
    });

  it('does not ask about others while the bitmaps are of this VM, or there are none', async () => {
    for (const topology of ['two-named-disks-with-bitmaps', 'foreign-filter-and-job']) {
      const { disks } = await readVmState(await openRecorded(topology));

      const asked = await atWeb1({ web2: [monday] }, async (site, repository) => {
        await trackedFor(site, disks, new Set([tuesday]));
        return repository.asked;
      });

      expect(asked).toEqual([]);
    }
  });

  it('does not guess when the backups of another VM cannot be listed', async () => {
    const { disks } = await readVmState(await openRecorded('two-named-disks-with-bitmaps'));

    const asking = atWeb1({ web2: null }, async (site) => trackedFor(site, disks, new Set()));

    await expect(asking).rejects.toBeInstanceOf(RepositoryFormatError);
  });
});

describe('atWorkFor', () => {
  const lock = { backupId: tuesday, workflowId: 'backup/x', runId: 'run-1' };
  const lockFor = (vm: string) => async (paths: StatePaths) => acquireLock(paths, vm, lock);
  const damage = (vm: string) => async (paths: StatePaths) =>
    writeFile((await makeVmFolders(paths, vm)).lock, '{}');
  const copying = 'copy-behind-a-filter';
  const cases = [
    {
      title: 'names the VM whose backup has nodes in the machine',
      topology: copying,
      prepare: lockFor('web2'),
      says: `is web2: its backup ${tuesday} is at work there`,
    },
    {
      title: 'names the VM whose backup, not published yet, has left its segment',
      topology: 'two-named-disks-with-bitmaps',
      prepare: lockFor('web2'),
      segmentsOf: [tuesday],
      says: `is web2: its backup ${tuesday} is at work there`,
    },
    {
      title: 'is silent about a backup of this VM',
      topology: copying,
      prepare: lockFor('web1'),
    },
    {
      title: 'is silent about a backup of this VM that has the id of another one',
      topology: copying,
      prepare: async (paths: StatePaths) => [
        await lockFor('web1')(paths),
        await lockFor('web2')(paths),
      ],
    },
    {
      title: 'is silent about what a dead run has left',
      topology: copying,
      prepare: async () => 0,
    },
    {
      title: 'is not kept by the damaged lock of another VM',
      topology: copying,
      prepare: damage('web2'),
    },
  ];
  for (const { title, topology, prepare, segmentsOf = [], says = 'nothing' } of cases)
    it(`it ${title}`, async () => {
      const state = await readVmState(await openRecorded(topology));

      const wrong = await atWeb1({}, async (site) => atWorkFor(site, state, segmentsOf), prepare);

      expect(wrong?.message ?? 'nothing').toContain(says);
    });
});
