import { open, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { knowsDevices } from './qemu-version.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';

/** A command that ends later than its answer has this long to say how it went. */
const saidMs = 20_000;
const lookMs = 5;

/**
 * Runs commands of `qemu-io` inside a machine's QEMU, on a device's own backend. The monitor's answer does not say
 * how it went: that goes to QEMU's stdout, so it is read from the log. One command at a time, so that each finds its own.
 */
export class QemuIo {
  readonly #qmp: QmpClient;
  readonly #log: string;
  #last: Promise<unknown> = Promise.resolve();

  /** @param log QEMU's stdout, line by line */
  constructor(qmp: QmpClient, log: string) {
    this.#qmp = qmp;
    this.#log = log;
  }

  /** Whether a command may go on after its answer. A QEMU that knows no device here (below 5.1) dies of it. */
  get goesOnAside(): boolean {
    return knowsDevices(this.#qmp.version);
  }

  /** What the command said. One that ends later has said it all when `isAll` says so. */
  async run(
    qdev: string,
    command: string,
    isAll: (said: string) => boolean = () => true,
  ): Promise<string> {
    const done = this.#last.then(() => this.#run(qdev, command, isAll));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #run(qdev: string, command: string, isAll: (said: string) => boolean): Promise<string> {
    const { size: before } = await stat(this.#log);
    const answer = await this.#qmp.execute(
      'human-monitor-command',
      { 'command-line': `qemu-io ${await this.#name(qdev)} "${command}"` },
      { timeoutMs: 60_000 },
    );
    for (const until = performance.now() + saidMs; ; await delay(lookMs)) {
      const said = `${answer}${await this.#saidSince(before)}`.trim();
      if (isAll(said) || performance.now() >= until) return said;
    }
  }

  /** How HMP names a device: below QEMU 5.1 by its drive or node, which the device then has to share. */
  async #name(qdev: string): Promise<string> {
    if (knowsDevices(this.#qmp.version)) return `-d ${qdev}`;
    const blocks = await this.#qmp.execute('query-block', {});
    const block = blocks.find((one) => one.qdev === qdev);
    return block?.device || (block?.inserted?.['node-name'] ?? qdev);
  }

  async #saidSince(before: number): Promise<string> {
    await using file = await open(this.#log);
    const { size: after } = await file.stat();
    const said = Buffer.alloc(after - before);
    await file.read(said, 0, said.length, before);
    return said.toString();
  }
}
