import { QmpClient } from '../../qemu/qmp/client.ts';
import type { Args, Command } from '../../qemu/qmp/commands.ts';
import { FakePeer } from '../qemu/fake-peer.ts';

/** What QEMU makes of each command. It refuses those that are not there. */
export type Answers = { readonly [C in Command]?: (args: Args<C>) => unknown } & {
  /** What an old QEMU is asked first. */
  readonly 'query-commands'?: () => unknown;
};

/** Thrown by an answer: QEMU refuses the command. */
export class Refusal extends Error {}

/** Thrown by an answer: QEMU dies of the command. */
export class Death extends Error {}

/** Thrown by an answer: QEMU never answers. */
export class Silence extends Error {}

/** A QEMU that answers every command at once. */
export class AnsweringQemu extends FakePeer {
  readonly #answers: Answers;
  readonly #version: string;

  constructor(answers: Answers, version = '7.2.22') {
    super();
    this.#answers = answers;
    this.#version = version;
    this.onLine = (line) => this.#serve(line);
  }

  async open(): Promise<QmpClient> {
    const [major, minor, micro] = this.#version.split('.').map(Number);
    const version = { qemu: { major, minor, micro }, package: '' };
    this.say(JSON.stringify({ QMP: { version, capabilities: ['oob'] } }));
    return QmpClient.open(this.transport, { signal: new AbortController().signal, what: 'web1' });
  }

  emit(event: string, timestampMs = Date.now(), data: object = {}): void {
    const timestamp = {
      seconds: Math.floor(timestampMs / 1_000),
      microseconds: (timestampMs % 1_000) * 1_000,
    };
    this.say(JSON.stringify({ event, data, timestamp }));
  }

  #serve(line: string): void {
    const { execute, 'exec-oob': outOfBand, arguments: args, id } = JSON.parse(line);
    const command = (execute ?? outOfBand) as Command;
    try {
      this.say(JSON.stringify({ return: this.#answer(command, args), id }));
    } catch (error) {
      if (error instanceof Silence) return;
      if (!(error instanceof Refusal)) return this.hangUp(error as Error);
      this.say(JSON.stringify({ error: { class: 'GenericError', desc: error.message }, id }));
    }
  }

  #answer(command: Command, args: unknown): unknown {
    if (command === 'qmp_capabilities') return {};
    const answer = this.#answers[command] as ((args: unknown) => unknown) | undefined;
    if (!answer) throw new Refusal(`The command ${command} has not been found`);
    return answer(args);
  }
}
