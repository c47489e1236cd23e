import { sentinel } from '../../../qemu/qga/messages.ts';
import { AgentClient } from '../../../qemu/qga/client.ts';
import { FakePeer } from '../fake-peer.ts';

/** An agent that answers in order, like the real one. What it does with a command is up to the test. */
export class FakeAgent extends FakePeer {
  /** The commands that arrived, without syncs. */
  readonly commands: string[] = [];
  /** While it hangs, it reads nothing. */
  hangs = false;
  /** While it is mute, it does what it is told and answers later. */
  mute = false;
  readonly #unread: string[] = [];
  readonly #unsaid: string[] = [];

  constructor() {
    super();
    this.onLine = (text) => {
      for (const line of text.split('\n')) {
        if (this.hangs) this.#unread.push(line);
        else this.#handle(line);
      }
    };
  }

  /** Catches up. */
  recover(): void {
    this.hangs = false;
    this.mute = false;
    for (const line of this.#unsaid.splice(0)) this.say(line);
    for (const line of this.#unread.splice(0)) this.#handle(line);
  }

  /** What a command is answered with. */
  answerTo: (command: string) => object = () => ({ return: {} });

  async open(): Promise<AgentClient> {
    return AgentClient.open(this.transport, {
      signal: new AbortController().signal,
      what: 'web1',
    });
  }

  #handle(line: string): void {
    // The real one stumbles over the sentinel and says so.
    if (line.startsWith(sentinel))
      this.#answer('{"error": {"class": "GenericError", "desc": "JSON parse error"}}');
    const { execute, arguments: args } = JSON.parse(line.replaceAll(sentinel, ''));
    if (execute === 'guest-sync-delimited') {
      this.#answer(`${sentinel}${JSON.stringify({ return: args.id })}`);
    } else {
      this.commands.push(execute);
      this.#answer(JSON.stringify(this.answerTo(execute)));
    }
  }

  #answer(line: string): void {
    if (this.mute) this.#unsaid.push(line);
    else this.say(line);
  }
}
