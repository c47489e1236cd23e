import type { QmpClient } from '../../qemu/qmp/client.ts';
import { commands, type Args, type Command } from '../../qemu/qmp/commands.ts';
import { AnsweringQemu, Death, Refusal, type Answers } from './answering-qemu.ts';
import { FakeBitmaps } from './fake-bitmaps.ts';
import { FakeExports } from './fake-exports.ts';
import { FakeJobs } from './fake-jobs.ts';
import { FakeNodes } from './fake-nodes.ts';

/** A command that is more than a question. */
export type Done = { readonly [C in Command]: { command: C; args: Args<C> } }[Command];

/**
 * A running VM with the disks `vd0` and `vd1`, in a QEMU that refuses what QEMU refuses and dies of what kills it.
 */
export class FakeVm {
  /** The commands that were more than a question, one a line, names of ours without the backup. */
  readonly log: string[] = [];
  readonly done: Done[] = [];
  readonly bitmaps = new FakeBitmaps();
  readonly nodes = new FakeNodes();
  readonly exports = new FakeExports();
  readonly jobs = new FakeJobs(() => this.emit('JOB_STATUS_CHANGE'));
  status = 'running';
  /** What a test has happen before a command, or in its place by an error. */
  readonly before: { [C in Command]?: (args: Args<C>) => void } = {};
  /** The connection ends in the place of the answer to the command at this position of the log. */
  endsAt: number | undefined;
  readonly #version: string;
  #qemu: AnsweringQemu | undefined;

  constructor(options: { version?: string; formats?: readonly string[] } = {}) {
    const { version = '7.2.22', formats = ['qcow2', 'qcow2'] } = options;
    this.#version = version;
    for (const [index, format] of formats.entries())
      this.nodes.devices.set(`vd${index}`, {
        node: `vd${index}-node`,
        drive: `vd${index}-node`,
        format,
      });
  }

  /** A connection of its own: the one before has ended. */
  open(): Promise<QmpClient> {
    this.#qemu = new AnsweringQemu(this.#answers(), this.#version);
    return this.#qemu.open();
  }

  emit(event: string, timestampMs?: number): void {
    this.#qemu?.emit(event, timestampMs);
  }

  become(status: string): void {
    const ranOn = this.status !== status;
    this.status = status;
    if (ranOn) this.emit(status === 'running' ? 'RESUME' : 'STOP');
  }

  /** What was sent by that command, each time. */
  sent<C extends Command>(command: C): Args<C>[] {
    return this.done.flatMap((one) => (one.command === command ? [one.args as Args<C>] : []));
  }

  #answers(): Answers {
    const { bitmaps, jobs, nodes } = this;
    const on = (node: string) => bitmaps.on(node);
    return {
      // Only a QEMU below 5.2 is asked.
      'query-commands': () =>
        Object.keys(commands).flatMap((name) => (/block-export/.test(name) ? [] : { name })),
      'query-status': () => ({ status: this.status, running: this.status === 'running' }),
      'query-jobs': () => jobs.all,
      'query-block-jobs': () => jobs.ofBlocks,
      'query-block': () => nodes.blocks(on),
      'query-named-block-nodes': () => nodes.named(on),
      'x-debug-query-block-graph': () => nodes.graph(),
      'query-yank': () =>
        nodes.of('nbd').map((name) => ({ type: 'block-node', 'node-name': name })),
      yank: this.#doing('yank', ({ instances }) => {
        for (const one of instances) if ('node-name' in one) jobs.cut(one['node-name']);
      }),
      stop: this.#doing('stop', () => this.become('paused')),
      cont: this.#doing('cont', () => this.become('running')),
      'human-monitor-command': this.#doing('human-monitor-command', () => '\r\n'),
      'qom-set': this.#doing('qom-set', (args) => nodes.setDrive(args)),
      'blockdev-add': this.#doing('blockdev-add', (node) => nodes.add(node)),
      'blockdev-del': this.#doing('blockdev-del', ({ 'node-name': name }) => {
        nodes.remove(name, jobs.hold(name));
        bitmaps.drop(name);
      }),
      'blockdev-backup': this.#doing('blockdev-backup', (args) => this.#start(args)),
      'job-cancel': this.#doing('job-cancel', (args) => jobs.cancel(args)),
      'block-job-set-speed': this.#doing('block-job-set-speed', ({ device, speed }) =>
        jobs.change(device, { speed }),
      ),
      'job-resume': this.#doing('job-resume', (args) => jobs.resume(args)),
      'job-finalize': this.#doing('job-finalize', (args) => jobs.finalize(args)),
      'job-dismiss': this.#doing('job-dismiss', (args) => jobs.dismiss(args)),
      ...this.#onBitmaps(),
      ...this.#onExports(),
    };
  }

  #onBitmaps(): Answers {
    const { bitmaps } = this;
    return {
      'block-dirty-bitmap-add': this.#doing('block-dirty-bitmap-add', (a) => bitmaps.add(a)),
      'block-dirty-bitmap-remove': this.#doing('block-dirty-bitmap-remove', (a) =>
        bitmaps.remove(a),
      ),
      'block-dirty-bitmap-enable': this.#doing('block-dirty-bitmap-enable', (a) =>
        bitmaps.set(a, true),
      ),
      'block-dirty-bitmap-merge': this.#doing('block-dirty-bitmap-merge', (a) => bitmaps.merge(a)),
      transaction: this.#doing('transaction', ({ actions }) =>
        bitmaps.transaction(actions, (action) => {
          if (action.type === 'blockdev-backup') this.#start(action.data);
        }),
      ),
    };
  }

  #onExports(): Answers {
    const { exports } = this;
    return {
      'query-block-exports': () => exports.list(),
      'nbd-server-start': this.#doing('nbd-server-start', (args) => exports.start(args)),
      'nbd-server-stop': this.#doing('nbd-server-stop', () => exports.stop()),
      'block-export-add': this.#doing('block-export-add', (args) => exports.add(args)),
      'nbd-server-add': this.#doing('nbd-server-add', ({ name, device }) =>
        exports.add({ type: 'nbd', id: name, 'node-name': device, name }),
      ),
      'nbd-server-remove': this.#doing('nbd-server-remove', ({ name }) =>
        exports.remove({ id: name }),
      ),
      'block-export-del': this.#doing('block-export-del', (args) => exports.remove(args)),
      'object-add': this.#doing('object-add', ({ id }) => void exports.objects.add(id)),
      'object-del': this.#doing('object-del', (args) => exports.deleteObject(args)),
    };
  }

  #start(job: Args<'blockdev-backup'>): void {
    for (const node of [job.device, job.target])
      if (!this.nodes.all.includes(node)) throw new Refusal(`Cannot find node '${node}'`);
    this.jobs.start(job);
  }

  #doing<C extends Command>(command: C, act: (args: Args<C>) => unknown) {
    return (args: Args<C>): unknown => {
      this.log.push(lineOf(command, args));
      this.done.push({ command, args } as Done);
      this.before[command]?.(args);
      const answer = act(args) ?? {};
      if (this.log.length - 1 === this.endsAt) throw new Death('ECONNRESET');
      return answer;
    };
  }
}

/** `blockdev-del 00f` */
function lineOf(command: Command, args: object): string {
  const subject = ['id', 'node-name', 'job-id', 'value', 'name']
    .flatMap((key) => (key in args ? String(args[key as keyof typeof args]) : []))
    .map((name) => name.replace(/^sp-\d{8}T\d{6}Z-[0-9a-f]{4}-/, ''));
  return [command, ...subject].join(' ');
}
