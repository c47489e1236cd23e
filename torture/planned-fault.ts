import type { Actor } from './actor.ts';
import { strike, type Effect } from './strike.ts';
import type { Fault } from './story.ts';
import type { Command } from '../lab/relay-qmp.ts';
import type { Theatre } from './theatre.ts';

/** A fault that waits for its moment. It strikes once, at its command or the first one after it where it can. */
export class PlannedFault {
  readonly #fault: Fault | undefined;
  readonly #theatre: Theatre;
  readonly #actor: Actor;
  #commands = 0;
  #due = false;
  #effect: Effect | undefined;
  #striking: Promise<void> | undefined;
  /** The command at which it struck. */
  struckAt: string | undefined;
  readonly slow: boolean;

  constructor(fault: Fault | undefined, slow: boolean, where: { theatre: Theatre; actor: Actor }) {
    this.#fault = fault;
    this.slow = slow;
    this.#theatre = where.theatre;
    this.#actor = where.actor;
  }

  /** Holds the command back while it strikes. */
  async see({ name }: Command, when: 'before' | 'after'): Promise<void> {
    if (when === 'before') this.#commands++;
    const fault = this.#fault;
    if (!fault || fault.when !== when || this.struckAt !== undefined || this.#striking) return;
    this.#due ||= typeof fault.at === 'number' ? this.#commands >= fault.at : name === fault.at;
    if (!this.#due) return;
    this.#striking = this.#strike(fault, name);
    await this.#striking;
    this.#striking = undefined;
  }

  /** Ends what it has left, once the backup has ended: the strike itself may have been its end. */
  async end(): Promise<void> {
    await this.#striking;
    await this.#effect?.end();
  }

  async #strike({ kind }: Fault, command: string): Promise<void> {
    this.#effect = await strike(kind, this.#theatre, this.#actor);
    if (this.#effect) this.struckAt = command;
  }
}
