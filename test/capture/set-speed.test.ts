import { describe, expect, it } from 'vitest';
import { restSeconds, setSpeed } from '../../capture/set-speed.ts';
import { copying, j0, j1, onePass } from './watched.ts';

const MiB = 1024 ** 2;

describe('setSpeed', () => {
  it('tells how long a job is silent that came from a higher speed, and from then on', async () => {
    const vm = copying();
    vm.jobs.change(j0, { speed: 200 * MiB });
    const qmp = await vm.open();

    const first = await setSpeed(qmp, onePass, 65_536);
    const next = await setSpeed(qmp, onePass, 65_536);

    // Seen on 7.2: more than 60 s after 200 MiB/s, and 16 s between two pieces.
    expect([first, next]).toEqual([{ silentSeconds: 336 }, { silentSeconds: 16 }]);
    const speed = 65_536;
    expect(vm.sent('block-job-set-speed')).toEqual([
      { device: j0, speed },
      { device: j1, speed },
    ]);
  });
});

describe('restSeconds', () => {
  it('is none without a limit', () => {
    expect(restSeconds(0, 200 * MiB)).toBe(0);
  });
});
