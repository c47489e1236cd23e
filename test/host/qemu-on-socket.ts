import { serveOneByOne, type UnixServer } from './unix-server.ts';

type Job = { id: string; status: string };

/** A QEMU's monitor on a unix socket, with a VM that can be stopped and jobs that can be cancelled. */
export class QemuOnSocket implements AsyncDisposable {
  /** The commands that were run, over all connections. */
  readonly commands: string[] = [];
  status = 'running';
  readonly jobs: Job[] = [];
  /** The names of its block nodes. */
  readonly nodes: string[] = [];
  /** Commands that get no answer. */
  readonly muteTo = new Set<string>();
  #say: (text: string) => void = () => {};
  #onRunning: (() => void)[] = [];
  #server: UnixServer | undefined;

  static async listen(path: string): Promise<QemuOnSocket> {
    const qemu = new QemuOnSocket();
    qemu.#server = await serveOneByOne(path, (say, lines) => qemu.#serve(say, lines));
    return qemu;
  }

  emit(event: string): void {
    const now = Date.now();
    const timestamp = { seconds: Math.floor(now / 1_000), microseconds: (now % 1_000) * 1_000 };
    this.#say(`${JSON.stringify({ event, data: {}, timestamp })}\n`);
  }

  /** Resolves when the VM runs. */
  async running(): Promise<void> {
    if (this.status !== 'running')
      await new Promise<void>((resolve) => void this.#onRunning.push(resolve));
  }

  /** Ends the connection that is served. */
  hangUp(): void {
    this.#server?.hangUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    for (const resolve of this.#onRunning.splice(0)) resolve();
  }

  async #serve(say: (text: string) => void, lines: AsyncIterable<string>): Promise<void> {
    this.#say = say;
    const version = { qemu: { major: 7, minor: 2, micro: 22 }, package: 'Debian' };
    say(`${JSON.stringify({ QMP: { version, capabilities: ['oob'] } })}\n`);
    for await (const line of lines) {
      const { execute, arguments: args, id } = JSON.parse(line);
      this.commands.push(execute);
      const value = this.#run(execute, args);
      if (!this.muteTo.has(execute)) say(`${JSON.stringify({ return: value, id })}\n`);
    }
  }

  #run(execute: string, args: { id: string }): unknown {
    if (execute === 'query-status')
      return { status: this.status, running: this.status === 'running' };
    if (execute === 'x-debug-query-block-graph')
      return {
        nodes: this.nodes.map((name, id) => ({ id, type: 'block-driver', name })),
        edges: [],
      };
    if (execute === 'query-jobs')
      return this.jobs.map((job) => ({
        ...job,
        type: 'backup',
        'current-progress': 0,
        'total-progress': 1,
      }));
    if (execute === 'job-cancel')
      for (const job of this.jobs) if (job.id === args.id) job.status = 'concluded';
    if (execute === 'stop') this.#become('paused', 'STOP');
    if (execute === 'cont') this.#become('running', 'RESUME');
    return {};
  }

  #become(status: string, event: string): void {
    if (this.status === status) return;
    this.status = status;
    this.emit(event);
    if (status === 'running') for (const resolve of this.#onRunning.splice(0)) resolve();
  }
}
