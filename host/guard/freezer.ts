import { setTimeout as delay } from 'node:timers/promises';
import type { Freeze } from '../../model/instant.ts';
import { AgentCommandError, AgentTimeoutError } from '../../qemu/errors.ts';
import type { AgentClient } from '../../qemu/qga/client.ts';
import type { GuestFileSystem } from '../../qemu/qga/commands.ts';
import { isRefused } from '../is-refused.ts';
import { AgentLink } from './agent-link.ts';
import type { GuardConfig } from './config.ts';
import { freezeOutcome, notFrozen } from './freeze-outcome.ts';
import { messageOf, type Log } from './log.ts';

const answerMs = 3_000;
/** An agent that has just answered needs no longer, and which file systems there are is not worth more. */
const fileSystemsMs = 1_000;
const retryMs = 200;
const unansweredMax = 5;
/** An agent's socket that has refused for so long has no QEMU behind it any more. */
const goneMs = 30_000;

/**
 * `untouched`: nothing was sent. From `freezing` on the guest counts as frozen, until the agent itself says `thawed`.
 * `lost`: its QEMU has gone first.
 */
export type FreezerState = 'untouched' | 'freezing' | 'frozen' | 'thawing' | 'thawed' | 'lost';

/** Freezes the guest's file systems, and thaws them however long that takes. */
export class Freezer {
  readonly #link: AgentLink | undefined;
  readonly #mountpoints: readonly string[] | undefined;
  readonly #log: Log;
  readonly #onChange: () => void;
  #state: FreezerState = 'untouched';
  #freezing: Promise<Freeze> | undefined;
  #thawing: Promise<void> | undefined;
  #sentAt = 0;
  #frozenMs = 0;
  /** When the freeze was answered, on the clock that QEMU's events carry too. */
  #answeredAtMs = Infinity;
  #held = true;
  #thawTrouble: string | undefined;

  /** `onChange` is called after each change of the state. */
  constructor(
    { agent, freezeMountpoints }: Pick<GuardConfig, 'agent' | 'freezeMountpoints'>,
    log: Log,
    onChange: () => void,
  ) {
    this.#link = agent === undefined ? undefined : new AgentLink(agent);
    this.#mountpoints = freezeMountpoints;
    this.#log = log;
    this.#onChange = onChange;
  }

  get state(): FreezerState {
    return this.#state;
  }

  /** Whether the guest is frozen, or may be. */
  get busy(): boolean {
    return ['freezing', 'frozen', 'thawing'].includes(this.#state);
  }

  /** From the freeze sent to the thaw answered; 0 when nothing was sent. */
  get frozenMs(): number {
    return this.#frozenMs;
  }

  /** Whether the guest stayed as frozen as it was until it was thawed, as far as the agent tells. True when nothing was frozen. */
  get held(): boolean {
    return this.#held;
  }

  /** The error that the agent answered to the thaw: of what froze, or of a hook in the guest. */
  get thawTrouble(): string | undefined {
    return this.#thawTrouble;
  }

  /**
   * Freezes the guest; asked again while it is frozen, gives the same answer. `clear` is called when the agent is ready
   * and awaited before the freeze is sent: it tells how long the answer may take, or throws. A freeze that fails or is
   * late may have frozen all the same: the guest is then being thawed when this returns. Never throws.
   */
  async freeze(clear: () => Promise<number>): Promise<Freeze> {
    if (this.#state === 'thawing') return notFrozen('an earlier freeze is still being thawed');
    this.#freezing ??= this.#freeze(clear).finally(() => {
      if (this.#state !== 'frozen') this.#freezing = undefined;
    });
    return this.#freezing;
  }

  /** Thaws what is frozen, or may be. Resolves when the agent says that it is thawed, and not before. */
  async thaw(): Promise<void> {
    if (!this.busy) return;
    // On the same connection, where a thaw takes the place of a freeze that waits for its answer: it is sent at once. On a
    // new one an agent that is late would have to answer first.
    this.#freezing = undefined;
    this.#thawing ??= this.#thaw().finally(() => {
      this.#thawing = undefined;
    });
    await this.#thawing;
  }

  /**
   * The guest was reset at that time, and with it went what was frozen: no agent has to say so, and there may be none any
   * more. A freeze that was not answered before may have reached the next agent.
   */
  guestWasReset(atMs: number): void {
    if (!this.busy || atMs < this.#answeredAtMs) return;
    this.#frozenMs = performance.now() - this.#sentAt;
    this.#freezing = undefined;
    this.#link?.drop();
    this.#become('thawed');
  }

  async #freeze(clear: () => Promise<number>): Promise<Freeze> {
    if (this.#link === undefined) return notFrozen('the inventory names no agent socket');
    try {
      const agent = await this.#link.client();
      // Ours would have been settled before.
      if ((await agent.freezeStatus(answerMs)) === 'frozen')
        throw new Error('the guest is frozen already, by somebody else');
      const known = await fileSystemsOf(agent);
      const cleared = clear();
      // No wait between the leave to freeze and the state that says so: a release must not come in between.
      this.#frozenMs = 0;
      this.#sentAt = 0;
      this.#answeredAtMs = Infinity;
      this.#held = true;
      this.#thawTrouble = undefined;
      this.#become('freezing');
      const timeoutMs = await cleared;
      if (this.#state !== 'freezing') throw new Error('given up before it was sent');
      this.#sentAt = performance.now();
      const asked = this.#mountpoints;
      const filesystems = await (asked
        ? agent.freezeList(asked, timeoutMs)
        : agent.freeze(timeoutMs));
      this.#answeredAtMs = Date.now();
      if (this.#state !== 'freezing') throw new Error('given up while it went on');
      if (filesystems === 0) throw new Error('the agent found no file system to freeze');
      this.#become('frozen');
      return freezeOutcome(filesystems, { asked, known });
    } catch (error) {
      if (this.busy) void this.thaw();
      else this.#link.drop();
      return notFrozen(messageOf(error));
    }
  }

  async #thaw(): Promise<void> {
    if (!this.#link) return;
    this.#become('thawing');
    // Of several thaws a later one may find the work of one that was not answered.
    let isFirst = this.#answeredAtMs < Infinity;
    let unanswered = 0;
    for (let refusedSince = Infinity; this.#state === 'thawing';) {
      try {
        const agent = await this.#link.client();
        refusedSince = Infinity;
        const tellsOfFreeze = isFirst;
        isFirst = false;
        const filesystems = await this.#tellToThaw(agent);
        if (tellsOfFreeze && filesystems === 0) this.#held = false;
        if ((await agent.freezeStatus(answerMs)) === 'thawed') this.#become('thawed');
      } catch (error) {
        this.#log(`the guest is not thawed yet: ${messageOf(error)}`);
        // An agent that is late still does what was sent, as long as the connection stands.
        unanswered = error instanceof AgentTimeoutError ? unanswered + 1 : unansweredMax;
        if (unanswered >= unansweredMax) this.#link?.drop();
        unanswered %= unansweredMax;
        refusedSince = isRefused(error) ? Math.min(refusedSince, performance.now()) : Infinity;
        if (performance.now() - refusedSince > goneMs) this.#become('lost');
        await delay(retryMs);
      }
    }
    this.#link?.drop();
  }

  /** How many file systems were thawed: none when the agent has an error to tell, and then its state says more. */
  async #tellToThaw(agent: AgentClient): Promise<number> {
    try {
      return await agent.thaw(answerMs);
    } catch (error) {
      if (!(error instanceof AgentCommandError)) throw error;
      this.#log(`the thaw: ${error.message}`);
      this.#thawTrouble ??= error.message.slice(0, 400);
      return 0;
    } finally {
      if (this.#sentAt > 0) this.#frozenMs = performance.now() - this.#sentAt;
    }
  }

  #become(state: FreezerState): void {
    this.#state = state;
    this.#log(`the guest: ${state}`);
    this.#onChange();
  }
}

/**
 * What an operator is told; a guest whose agent does not tell is frozen all the same. One that is late has to be through
 * with it first: what it still works at would be taken off the freeze's time, and one that hangs could not even thaw.
 */
async function fileSystemsOf(agent: AgentClient): Promise<GuestFileSystem[] | undefined> {
  try {
    return await agent.fileSystems(fileSystemsMs);
  } catch (error) {
    if (error instanceof AgentTimeoutError) await agent.freezeStatus(answerMs);
    else if (!(error instanceof AgentCommandError)) throw error;
    return undefined;
  }
}
