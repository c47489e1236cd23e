import { open, stat } from 'node:fs/promises';
import type { QmpClient } from '../qemu/qmp/client.ts';

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

  /** What the commands said, one after another. `-d` is of QEMU 5.1 and newer. */
  async run(qdev: string, ...commands: readonly string[]): Promise<string> {
    const done = this.#last.then(() => this.#run(qdev, commands));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #run(qdev: string, commands: readonly string[]): Promise<string> {
    const { size: before } = await stat(this.#log);
    let answer = '';
    for (const command of commands)
      answer += await this.#qmp.execute(
        'human-monitor-command',
        { 'command-line': `qemu-io -d ${qdev} "${command}"` },
        { timeoutMs: 60_000 },
      );
    await using file = await open(this.#log);
    const { size: after } = await file.stat();
    const said = Buffer.alloc(after - before);
    await file.read(said, 0, said.length, before);
    return `${answer}${said.toString()}`.trim();
  }
}
