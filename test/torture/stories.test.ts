import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printStory } from '../../torture/print-story.ts';
import { stories } from '../../torture/stories.ts';
import { faultKinds, type Story } from '../../torture/story.ts';

const some = { seed: 1, numRuns: 400 };
const stepsIn = ({ vms }: Story) => vms.flatMap(({ steps }) => steps);
const backupsIn = (story: Story) =>
  stepsIn(story).flatMap((step) => (step.do === 'back up' ? [step.backup] : []));

describe('stories', () => {
  it('are the same for the same seed', () => {
    expect(fc.sample(stories, some)).toEqual(fc.sample(stories, some));
  });

  it('have every fault, every kind of step, both shields and every kind of backup in them', () => {
    const told = fc.sample(stories, some);
    const backups = told.flatMap(backupsIn);

    expect(new Set(backups.flatMap(({ fault }) => fault?.kind ?? []))).toEqual(new Set(faultKinds));
    expect(new Set(told.flatMap((story) => stepsIn(story).map((step) => step.do)))).toEqual(
      new Set(['write', 'grow', 'plug or unplug', 'restart', 'back up']),
    );
    expect(new Set(backups.map(({ shield }) => shield))).toEqual(new Set(['fleece', 'none']));
    expect(new Set(backups.map(({ kind }) => kind))).toEqual(
      new Set(['auto', 'full', 'incremental', 'differential']),
    );
  });
});

describe('printStory', () => {
  it('tells each VM and each step in a line that can be read', () => {
    const story: Story = {
      vms: [
        {
          disks: [{ attachment: 3, format: 'raw', size: 2 }],
          steps: [
            { do: 'write', writes: [{ op: 'zero', disk: 0, at: 5, sectors: 8 }] },
            { do: 'restart', how: 'kill' },
            {
              do: 'back up',
              backup: {
                kind: 'differential',
                since: 1,
                shield: 'none',
                slow: true,
                during: [],
                fault: { kind: 'worker killed', at: 'cont', when: 'after' },
              },
            },
          ],
        },
      ],
    };

    expect(printStory(story)).toEqual([
      'VM 0: raw of 8 MiB (way 3)',
      '  1. it writes: zero disk 0 at 5/65536, 8 sectors',
      '  2. QEMU: kill, and started again',
      '  3. backup: differential since number 1, shield none, slowly; worker killed after cont',
      'All VMs at one time; at the end of each a backup.',
    ]);
  });
});
