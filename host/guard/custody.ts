import { Deadline } from './deadline.ts';
import { Freezer } from './freezer.ts';
import { Lease, type Asker } from './lease.ts';
import { mayGo } from './may-go.ts';
import { Recorder } from './recorder.ts';
import type { RelayServer } from './relay-server.ts';
import { continueVm, freeVm, type Ward } from './release.ts';

/** A guard that nobody is connected to and that holds nothing goes after this long. */
const idleMs = 60_000;

/** What a guard holds of its VM: the lease, the freeze, QMP. Sees to it that each is given up in time, whoever lives or dies. */
export class Custody {
  readonly ward: Ward;
  readonly relay: RelayServer;
  readonly lease = new Lease();
  readonly freezer: Freezer;
  readonly recorder: Recorder;
  readonly #deadline: Deadline;
  readonly #idle = new Deadline(idleMs, () => this.look());
  readonly #askers = new Set<Asker>();
  #ending = false;
  #ended = false;
  #releasing: Promise<void> = Promise.resolve();
  #released = false;
  #gaveBack: Promise<void> | undefined;
  #resolveDone: () => void = () => {};
  /** Resolves when nothing is held any more: the guest is thawed, the VM not stopped by us, QMP given back, all on record. */
  readonly done: Promise<void>;

  constructor(ward: Ward, relay: RelayServer) {
    this.ward = ward;
    this.relay = relay;
    this.#deadline = new Deadline(ward.config.maxFreezeSeconds * 1_000, () => this.#atDeadline());
    this.freezer = new Freezer(ward.config, ward.log, () => this.#freezerChanged());
    this.recorder = new Recorder(ward, this.lease, this.freezer);
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
    this.#idle.start();
  }

  /** Why nothing more can be held, if it is so. */
  get over(): string | undefined {
    return this.#ending ? 'the guard is about to go' : this.lease.over;
  }

  /** The time until freeze and pause are given up starts to run, unless it runs already. Tells what is left of it. */
  startDeadline(): number {
    if (!this.#deadline.runs) this.recorder.start();
    this.#deadline.start();
    return this.#deadline.leftMs;
  }

  /** Nothing is held before the instant, so nothing has to be given up in time. */
  stopDeadline(): void {
    if (this.lease.phase === 'ready') this.#deadline.stop();
  }

  join(asker: Asker): void {
    this.#askers.add(asker);
    this.#idle.stop();
  }

  leave(asker: Asker): void {
    asker.left = true;
    this.#askers.delete(asker);
    if (this.#askers.size === 0) this.#idle.start();
    if (this.lease.isTaker(asker)) void this.release('the taker went before the instant was taken');
    this.look();
  }

  /** Gives up freeze and pause before the instant. Neither waits for the other: QEMU may hang, and so may the agent. */
  async release(reason: string): Promise<void> {
    if (this.lease.over === undefined) {
      this.lease.break(reason);
      this.ward.log(`released: ${reason}`);
      this.#deadline.stop();
      void this.freezer.thaw();
      this.#releasing = this.#freeVm();
    }
    await this.#releasing;
  }

  /** A guest that was reset is not frozen any more, and an instant of it would not be what was quiesced. */
  guestWasReset(atMs: number): void {
    if (!this.freezer.busy) return;
    this.freezer.guestWasReset(atMs);
    void this.release('the guest was reset while it was frozen');
  }

  /** Goes when everything is as it was: gives up what is not taken yet, and with `copyToo` an unshielded copy as well. */
  async terminate(reason: string, copyToo = false): Promise<void> {
    this.#ending = true;
    if (this.lease.phase === 'armed' || this.freezer.busy) await this.release(reason);
    if (copyToo && this.lease.held && this.ward.config.shield === 'none') {
      this.copyBroke(reason);
      await freeVm(this.ward);
    }
    void this.freezer.thaw();
    this.#ended = true;
    await this.#giveBack();
    this.look();
  }

  /** The copy that followed the instant was given up. */
  copyBroke(reason: string): void {
    this.lease.break(reason);
    this.recorder.note();
  }

  /** Goes if there is nothing left to hold. Called after every change. */
  look(): void {
    const { shield } = this.ward.config;
    const connections = this.#askers.size + this.relay.clients;
    // A worker that died between its last word and its `cont` leaves a VM whose agent cannot thaw before it runs.
    if (this.lease.held && shield === 'fleece' && connections === 0) void this.#giveBack();
    const go = mayGo({
      shield,
      phase: this.lease.phase,
      mayBeFrozen: this.freezer.busy,
      ended: this.#ended,
      released: this.#released,
      deadlinePassed: this.#deadline.passed,
      idlePassed: this.#idle.passed,
      connections,
    });
    if (go) void this.#goNow();
  }

  async #freeVm(): Promise<void> {
    // A taker that hangs may wake at any time: none of its commands may follow the `cont`.
    this.relay.shut();
    await freeVm(this.ward);
    this.#released = true;
    this.recorder.note();
    if (this.ward.config.shield === 'fleece') await this.#giveBack();
    else this.relay.reopen();
    this.look();
  }

  async #goNow(): Promise<void> {
    await this.#giveBack();
    // Who comes when the guard has gone reads there how it went.
    await this.recorder.written();
    this.#resolveDone();
  }

  #giveBack(): Promise<void> {
    this.#gaveBack ??= (async () => {
      this.relay.shut();
      await continueVm(this.ward);
      this.relay.close();
      this.ward.link.close();
    })();
    return this.#gaveBack;
  }

  #atDeadline(): void {
    const { maxFreezeSeconds, shield } = this.ward.config;
    void this.release(`the instant was not taken within ${maxFreezeSeconds} s`);
    if (this.lease.held && shield === 'fleece') void this.#giveBack();
    this.look();
  }

  #freezerChanged(): void {
    // Before the freeze is sent its record is written anyway, and waited for.
    if (this.freezer.state !== 'freezing') this.recorder.note();
    this.look();
  }
}
