import { QmpClient } from '../../../qemu/qmp/client.ts';
import { FakePeer } from '../fake-peer.ts';

export type Sent = {
  verb: 'execute' | 'exec-oob';
  command: string;
  arguments: unknown;
  id: string;
};

/** A QEMU that greets, answers `qmp_capabilities`, and leaves all else to the test. */
export class FakeQemu extends FakePeer {
  readonly commands: Sent[] = [];
  readonly #capabilities: readonly string[];

  constructor(capabilities: readonly string[] = ['oob']) {
    super();
    this.#capabilities = capabilities;
    this.onLine = (line) => {
      const { execute, 'exec-oob': outOfBand, arguments: args, id } = JSON.parse(line);
      const verb = execute === undefined ? 'exec-oob' : 'execute';
      this.commands.push({ verb, command: execute ?? outOfBand, arguments: args, id });
      if (execute === 'qmp_capabilities') this.answer(id, {});
    };
  }

  greet(): void {
    const version = { qemu: { major: 7, minor: 2, micro: 22 }, package: 'Debian' };
    this.say(JSON.stringify({ QMP: { version, capabilities: this.#capabilities } }));
  }

  answer(id: string, value: unknown): void {
    this.say(JSON.stringify({ return: value, id }));
  }

  refuse(id: string, desc: string): void {
    this.say(JSON.stringify({ error: { class: 'GenericError', desc }, id }));
  }

  emit(event: string, data?: Record<string, unknown>): void {
    this.say(
      JSON.stringify({ event, data, timestamp: { seconds: 1_700_000_000, microseconds: 250_000 } }),
    );
  }

  /** What was sent after the capabilities. */
  get afterOpening(): Sent[] {
    return this.commands.filter(({ command }) => command !== 'qmp_capabilities');
  }

  async open(): Promise<QmpClient> {
    this.greet();
    return QmpClient.open(this.transport, { signal: new AbortController().signal, what: 'web1' });
  }
}

/** Lets everything that is ready to run, run. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => void setImmediate(resolve));
}
