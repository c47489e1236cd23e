import { ourName } from '../../model/names.ts';
import type { BackupPlan } from '../../model/plan.ts';
import type { QmpClient } from '../../qemu/qmp/client.ts';
import { AnsweringQemu } from './answering-qemu.ts';
import { diskPlan, fullPlan, MiB, ofMonday, samplePlan, wednesday } from './sample.ts';

export const [j0, j1, holder] = [
  ourName(wednesday, 0, 'j'),
  ourName(wednesday, 1, 'j'),
  ourName(wednesday, 0, 'h'),
] as const;

/** Wednesday's backup of two disks: what changed in the first, and all of the second. */
export const groupedPlan: BackupPlan = samplePlan({
  qemuVersion: '2.11.0',
  shield: 'none',
  tier: 'grouped',
  secondPass: false,
  disks: [
    diskPlan(0, { persistent: false, merge: [ofMonday] }),
    fullPlan(1, { persistent: false }),
  ],
});

type OldJob = { device: string; offset: number; paused: boolean; 'io-status': string };

/** A QEMU 2.11 with the disks `vd0` and `vd1`, as far as its bitmaps and block jobs go. */
export class OldVm {
  /** The commands that were more than a question, with their bitmap or job. */
  readonly log: string[] = [];
  readonly sent: { command: string; args: Record<string, unknown> }[] = [];
  readonly bitmaps = new Map<string, string>();
  jobs: OldJob[] = [];
  /** What a test has happen before the answer to a command. */
  readonly on: Record<string, () => void> = {};
  #qemu: AnsweringQemu | undefined;

  open(): Promise<QmpClient> {
    const doing = (command: string, act: (args: never) => void) => (args: unknown) => {
      const { name, device, 'node-name': node } = args as Record<string, string | undefined>;
      this.log.push([command, name ?? device ?? node ?? ''].join(' ').trim());
      this.sent.push({ command, args: args as Record<string, unknown> });
      act(args as never);
      this.on[command]?.();
      return {};
    };
    const answers = {
      'query-commands': () => ['query-block-jobs', 'block-job-cancel'].map((name) => ({ name })),
      'query-status': () => ({ status: 'running', running: true }),
      'query-named-block-nodes': () => [],
      'query-block': () => ['vd0', 'vd1'].map((device) => this.#block(device)),
      'query-block-jobs': () =>
        this.jobs.map((job) => ({ type: 'backup', len: 100, speed: 0, busy: true, ...job })),
      'block-dirty-bitmap-add': doing('add', ({ node, name }: { node: string; name: string }) => {
        this.bitmaps.set(name, node);
      }),
      'block-dirty-bitmap-remove': doing('remove', ({ name }: { name: string }) => {
        this.bitmaps.delete(name);
      }),
      'block-job-pause': doing('pause', ({ device }: { device: string }) =>
        this.change(device, { paused: true }),
      ),
      'block-job-resume': doing('resume', () => {}),
      'block-job-set-speed': doing('set-speed', () => {}),
      transaction: doing('transaction', () => {}),
    };
    this.#qemu = new AnsweringQemu(answers, '2.11.0');
    return this.#qemu.open();
  }

  start(...devices: string[]): void {
    for (const device of devices)
      this.jobs.push({ device, offset: 0, paused: device === holder, 'io-status': 'ok' });
  }

  change(device: string, is: Partial<OldJob>): void {
    this.jobs = this.jobs.map((job) => (job.device === device ? { ...job, ...is } : job));
  }

  /** A job is gone, and only its event tells how it ended. */
  end(event: 'BLOCK_JOB_COMPLETED' | 'BLOCK_JOB_CANCELLED', device: string, error?: string): void {
    this.jobs = this.jobs.filter((job) => job.device !== device);
    this.#qemu?.emit(event, Date.now(), { device, ...(error === undefined ? {} : { error }) });
  }

  #block(device: string) {
    const bitmaps = [...this.bitmaps].filter(([, node]) => node === `${device}-node`);
    return {
      device: '',
      qdev: `/machine/peripheral/${device}/virtio-backend`,
      removable: false,
      'dirty-bitmaps': bitmaps.map(([name]) => ({
        name,
        count: 0,
        granularity: 65_536,
        status: 'active',
      })),
      inserted: {
        'node-name': `${device}-node`,
        drv: 'qcow2',
        ro: false,
        file: `/${device}`,
        image: { filename: `/${device}`, format: 'qcow2', 'virtual-size': 64 * MiB },
      },
    };
  }
}
