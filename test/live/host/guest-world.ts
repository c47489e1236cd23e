import { join } from 'node:path';
import { thawGuest } from '../../../activities/thaw-guest.ts';
import { readFreezeRecord } from '../../../host/freeze-record.ts';
import { AgentRelay } from '../../../lab/agent-relay.ts';
import { compare } from '../../../lab/compare.ts';
import { startInstantTap, type InstantTap } from '../../../lab/instant-tap.ts';
import type { GuestOptions } from '../../../lab/machine-options.ts';
import type { Machine } from '../../../lab/machine.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import type { BackupRequest } from '../../../model/request.ts';
import { leftovers } from '../rig/leftovers.ts';
import { publishedFile } from '../rig/oracle.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { Way } from '../rig/way.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

/** How a backup ended, as its workflow would tell it. */
export type Outcome = {
  readonly failure?: string;
  readonly consistency?: 'filesystem' | 'crash';
  /** Why nothing was frozen. */
  readonly trouble?: string | undefined;
};

/** A booted guest with two disks, whose agent and whose QMP are reached through the lab's hands. */
export class GuestWorld implements AsyncDisposable {
  readonly machine: Machine;
  readonly rig: Rig;
  readonly relay: AgentRelay;
  readonly tap: InstantTap;

  private constructor(machine: Machine, rig: Rig, relay: AgentRelay, tap: InstantTap) {
    this.machine = machine;
    this.rig = rig;
    this.relay = relay;
    this.tap = tap;
  }

  static async make(guest: GuestOptions = {}): Promise<GuestWorld> {
    const machine = await startQemu({ disks, guest });
    try {
      const tap = await startInstantTap(machine);
      const socket = join(machine.folder, 'relay.sock');
      const relay = await AgentRelay.listen(socket, machine.agentSocket ?? '');
      const vm = { qmp: tap.qmpSocket, agent: socket, maxFreezeSeconds: 3 };
      return new GuestWorld(machine, await makeRig(machine, { vm }), relay, tap);
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A backup that is ready for its freeze. */
  async ready(request: Partial<BackupRequest>): Promise<Way> {
    return new Way(this.rig, request).until('prepareTargets');
  }

  /**
   * Goes on to the end as the workflow does: the guest is thawed whatever becomes of the instant, and what failed is
   * rolled back. `afterInstant` comes before that thaw.
   */
  async finish(way: Way, afterInstant: () => void = () => {}): Promise<Outcome> {
    const { dependencies } = this.rig;
    const failure = await nameOfFailure(way.until('takeInstant'));
    afterInstant();
    const { held } = await thawGuest(dependencies, way.plan, new AbortController().signal);
    if (failure !== undefined) {
      await way.rollback();
      return { failure };
    }
    await way.until('publishBackup');
    const frozen = way.freeze?.frozen ?? false;
    return { consistency: frozen && held ? 'filesystem' : 'crash', trouble: way.freeze?.trouble };
  }

  /** What of a published backup differs from the disks at its instant. */
  async differing({ plan }: Way): Promise<string[]> {
    const held = this.tap.copies.at(-1)?.files;
    const differences = held?.size === disks.length ? [] : ['the tap has not seen every disk'];
    for (const [device, copy] of held ?? []) {
      const outcome = await compare(publishedFile(this.rig, plan.backupId, device), copy);
      if (outcome !== 'identical') differences.push(`${device}: ${outcome}`);
    }
    return differences;
  }

  /** A write to each of the guest's file systems comes to its end: it runs, and nothing of it is frozen. */
  async guestWrites(): Promise<void> {
    const writes = ['sp-vd0', 'sp-vd1'].map((label) => `date >/mnt/${label}/probe`);
    await this.machine.guest.run([...writes, 'sync'].join('; '), { timeoutMs: 20_000 });
  }

  /** What the freeze is known as, for whoever finds the guest. */
  async freezeState(): Promise<string | undefined> {
    return (await readFreezeRecord(this.rig.dependencies.paths, 'vm'))?.state;
  }

  async leftovers(): Promise<string[]> {
    return leftovers(this.rig);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
    await this.rig[Symbol.asyncDispose]();
    await this.tap[Symbol.asyncDispose]();
    await this.machine[Symbol.asyncDispose]();
  }
}

/** The class name is what Temporal records. */
async function nameOfFailure(step: Promise<unknown>): Promise<string | undefined> {
  try {
    await step;
    return undefined;
  } catch (error) {
    return (error as Error).name;
  }
}
