import { setTimeout as delay } from 'node:timers/promises';
import type { Freeze, Thaw } from '../../model/instant.ts';
import type { Custody } from './custody.ts';
import { notFrozen } from './freeze-outcome.ts';
import type { Asker } from './lease.ts';
import { messageOf } from './log.ts';
import type { Answer } from './protocol.ts';

/** Of the time until the deadline, the share in which a freeze has to be answered: the rest is for the instant. */
const freezeShare = 0.8;
const endAnswerMs = 5_000;
const statusMs = 1_000;

/** Answers what a guard is asked; what each question means stands in `protocol.ts`. */
export class Guard {
  readonly #custody: Custody;
  #freezing: Promise<Freeze> | undefined;
  #thawed = false;

  constructor(custody: Custody) {
    this.#custody = custody;
  }

  async freeze(): Promise<Freeze> {
    this.#thawed = false;
    this.#freezing = this.#freeze();
    return this.#freezing;
  }

  async frozen(): Promise<Freeze> {
    return this.#freezing ?? notFrozen('no freeze was asked for');
  }

  async #freeze(): Promise<Freeze> {
    const custody = this.#custody;
    // The agent of a guest that stands still would not answer before it runs.
    if (await this.#isPaused()) return notFrozen('the VM is paused');
    const freeze = await custody.freezer.freeze(() => {
      if (custody.over !== undefined) throw new Error(custody.over);
      if (this.#thawed) throw new Error('it was thawed before it was frozen');
      const leftMs = custody.startDeadline();
      // The record stands before the freeze is sent: whoever finds it knows that the guest may be frozen.
      return custody.recorder.write('freezing').then(() => leftMs * freezeShare);
    });
    // What may be frozen all the same is being thawed, for as long as it takes.
    if (!freeze.frozen) custody.stopDeadline();
    return freeze;
  }

  async arm(asker: Asker): Promise<Answer<'arm'>> {
    const { ward, lease } = this.#custody;
    try {
      await ward.link.client();
    } catch (error) {
      return { armed: false, reason: messageOf(error) };
    }
    const gone = asker.left ? 'the connection has ended' : undefined;
    const reason = this.#custody.over ?? gone ?? lease.arm(asker);
    if (reason !== undefined) return { armed: false, reason };
    this.#custody.startDeadline();
    return { armed: true };
  }

  taken(asker: Asker): Answer<'taken'> {
    const { lease, freezer, recorder } = this.#custody;
    const held = lease.take(asker);
    if (held && freezer.busy) void freezer.thaw();
    else recorder.note();
    return { held };
  }

  async thaw(): Promise<Thaw> {
    const { lease, freezer, recorder } = this.#custody;
    // A freeze that is on its way to the agent must not come after this.
    this.#thawed = true;
    if (lease.phase === 'armed') void this.#custody.release('thawed before the instant was taken');
    await freezer.thaw();
    await recorder.written();
    this.#custody.stopDeadline();
    const { frozenMs, thawTrouble: trouble } = freezer;
    const held = lease.held && freezer.held;
    return { frozenMs, held, ...(trouble !== undefined && { trouble }) };
  }

  status(): Answer<'status'> {
    const { ward, lease, relay } = this.#custody;
    const { phase, broken } = lease;
    return { backupId: ward.config.backupId, pid: process.pid, phase, relays: relay.open, broken };
  }

  async end(): Promise<Answer<'end'>> {
    const { freezer, done } = this.#custody;
    let freed = false;
    const ended = this.#custody.terminate('ended before the instant was taken').then(() => {
      freed = true;
      return done;
    });
    await Promise.race([ended, delay(endAnswerMs)]);
    return { thawed: !freezer.busy, freed };
  }

  async #isPaused(): Promise<boolean> {
    try {
      const qmp = await this.#custody.ward.link.client();
      return !(await qmp.execute('query-status', {}, { timeoutMs: statusMs })).running;
    } catch {
      return false;
    }
  }
}
