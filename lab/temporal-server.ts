import { join } from 'node:path';
import { execa } from 'execa';
import { LabProcess } from './lab-process.ts';
import type { TempFolder } from './temp-folder.ts';

const START_MS = 60_000;

/** What a server is made of; it stays the same when it is started again. */
export type TemporalBlueprint = {
  readonly temp: TempFolder;
  readonly cli: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly uiPort: number | undefined;
  readonly dynamicConfig: Readonly<Record<string, string | number | boolean>>;
  readonly outlive: boolean;
};

/** A real Temporal development server on loopback, with its database in a file. Made by `startTemporal`. */
export class TemporalServer implements AsyncDisposable {
  readonly #blueprint: TemporalBlueprint;
  #process: LabProcess;

  private constructor(blueprint: TemporalBlueprint, process: LabProcess) {
    this.#blueprint = blueprint;
    this.#process = process;
  }

  static async start(blueprint: TemporalBlueprint): Promise<TemporalServer> {
    return new TemporalServer(blueprint, await run(blueprint));
  }

  /** Host and port, as clients and workers take it. */
  get address(): string {
    return `127.0.0.1:${this.#blueprint.port}`;
  }

  /** Where the Web UI is, when it was asked for. */
  get uiUrl(): string | undefined {
    const { uiPort } = this.#blueprint;
    return uiPort === undefined ? undefined : `http://127.0.0.1:${uiPort}`;
  }

  /** Prometheus metrics of the server; `action{service_name="frontend"}` counts Temporal actions. */
  get metricsUrl(): string {
    return `http://127.0.0.1:${this.#blueprint.metricsPort}/metrics`;
  }

  /** The Temporal CLI that the server came from. */
  get cli(): string {
    return this.#blueprint.cli;
  }

  get folder(): string {
    return this.#blueprint.temp.path;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Kills the server and waits until it is gone. Its database stays. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Starts it again on the same database and ports, after `kill`; kills it first if it runs. */
  async restart(): Promise<void> {
    await this.kill();
    this.#process = await run(this.#blueprint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#blueprint.temp[Symbol.asyncDispose]();
  }
}

async function run(blueprint: TemporalBlueprint): Promise<LabProcess> {
  const { temp, cli, port, metricsPort, uiPort, dynamicConfig, outlive } = blueprint;
  const ui = uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)];
  const ports = ['--ip', '127.0.0.1', '--port', String(port), '--metrics-port', `${metricsPort}`];
  const values = Object.entries(dynamicConfig).flatMap(([key, value]) => [
    '--dynamic-config-value',
    `${key}=${JSON.stringify(value)}`,
  ]);
  const database = ['--db-filename', join(temp.path, 'temporal.db')];
  const process = await LabProcess.start(
    [cli, 'server', 'start-dev', ...ports, ...ui, ...database, ...values, '--log-level', 'error'],
    { log: join(temp.path, 'temporal.log'), outlive },
  );
  try {
    // The namespace comes last: with it the server takes workflows.
    await process.ready('Temporal', START_MS, async (cancelSignal) => {
      const options = { cancelSignal, timeout: 10_000 };
      const at = ['--address', `127.0.0.1:${port}`];
      await execa(cli, ['operator', 'namespace', 'describe', 'default', ...at], options);
    });
    return process;
  } catch (error) {
    await process.kill();
    throw error;
  }
}
