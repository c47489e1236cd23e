import { randomInt } from 'node:crypto';
import { sentinel, type AgentMessage } from './messages.ts';

/** A command as it is sent. */
export type Said = { readonly execute: string; readonly arguments?: object };

/**
 * One command and its answer. The agent answers in order and, in older versions, without ids; a late answer to an
 * earlier command, of ours or of a dead client, looks like any other. So each command follows a
 * `guest-sync-delimited` with a random id, and only what comes after its answer is believed.
 */
export class Exchange {
  readonly answer: Promise<AgentMessage>;
  readonly #send: (line: string) => void;
  readonly #line: string;
  readonly #together: boolean;
  readonly #syncId = randomInt(2 ** 47);
  #synced = false;
  #resolve: (answer: AgentMessage) => void = () => {};
  /** Gives up: the command is not sent any more if it was not yet. */
  reject: (error: Error) => void = () => {};

  /** `together` sends the command in one go with its sync, so that it is run even when nobody waits for it any more. */
  constructor(send: (line: string) => void, command: Said | undefined, together: boolean) {
    this.#send = send;
    this.#line = command === undefined ? '' : JSON.stringify(command);
    this.#together = together;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.reject = reject;
    });
    const sync = JSON.stringify({
      execute: 'guest-sync-delimited',
      arguments: { id: this.#syncId },
    });
    send(`${sentinel}${sync}${together ? `\n${this.#line}` : ''}`);
  }

  receive(message: AgentMessage): void {
    if (this.#synced) {
      this.#resolve(message);
    } else if (message.return === this.#syncId) {
      this.#synced = true;
      if (!this.#line) this.#resolve(message);
      else if (!this.#together) this.#send(this.#line);
    }
  }
}
