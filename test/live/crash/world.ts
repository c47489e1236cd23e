import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { Stage, vm } from '../../../demo/stage.ts';
import type { Edges } from '../../../lab/edges/edges.ts';
import type { BackupResult } from '../../../model/result.ts';

const MiB = 1024 ** 2;

/** How long the guard lets a freeze last here. */
export const maxFreezeSeconds = 4;

/** A bitmap and a node that somebody else has in the VM: nobody may touch them. */
export const foreign = { bitmap: 'somebody-else', node: 'somebody-elses-node' } as const;

/** A backup whose bytes can still be held against what the disks held at its instant. */
type Kept = { readonly backupId: string; readonly files: ReadonlyMap<string, string> };

/** The world of the matrix: a guest with two disks that writes all the time, the product over it, and a watch over both. */
export class World implements AsyncDisposable {
  readonly stage: Stage;
  readonly edges: Edges;
  /** To do what an operator does with the Web UI. */
  readonly temporal: Client;
  /** Good backups, the newest last. */
  kept: Kept[] = [];
  /** How long the chain is. */
  sinceFull = 0;
  /** Long enough for every time-out and every retry on the way; a backup that has not ended then hangs. */
  settleMs = 150_000;
  /** What was found left over, and told: it must not make every later cell red. */
  readonly known = new Set<string>();
  #nodes: string[] = [];
  #pausedSince: number | undefined;
  #longestPausedMs = 0;

  private constructor(stage: Stage, edges: Edges, temporal: Client) {
    this.stage = stage;
    this.edges = edges;
    this.temporal = temporal;
  }

  /** The tier is the one that QEMU's abilities ask for, or `STILLPOINT_CRASH_TIER`. */
  static async build(): Promise<World> {
    const tier = process.env['STILLPOINT_CRASH_TIER'] || undefined;
    const disks = [{ virtualBytes: 48 * MiB }, { virtualBytes: 32 * MiB }];
    const stage = await Stage.build({
      disks,
      ui: false,
      watched: true,
      reboots: true,
      workload: false,
      defaults: { maxFreezeSeconds, scratchBytes: '64MiB', tier },
      settings: { sweepSeconds: 5 },
    });
    const { address } = stage.product.temporal;
    const temporal = new Client({ connection: Connection.lazy({ address }) });
    const { edges } = stage.product;
    if (!edges) throw new Error('the product is not watched');
    const world = new World(stage, edges, temporal);
    await world.settleIn();
    await world.startWriting();
    await world.backUp('full');
    return world;
  }

  /** To be called for each new QEMU: watches it, and puts in what is somebody else's. */
  async settleIn(): Promise<void> {
    const { labQmp } = this.stage.machine;
    this.#pausedSince = undefined;
    this.stage.agentTap.forget();
    labQmp.listen(({ event }) => {
      if (event === 'STOP') this.#pausedSince ??= performance.now();
      if (event === 'RESUME') this.#endPause();
    });
    await labQmp.execute('blockdev-add', {
      driver: 'null-co',
      'node-name': foreign.node,
    } as never);
    // Known from the first time on: a backup that goes on at once puts its filters above them.
    if (this.#nodes.length === 0)
      this.#nodes = (await labQmp.execute('query-block', {})).flatMap(({ inserted }) =>
        inserted && !inserted.ro ? (inserted['node-name'] ?? []) : [],
      );
    for (const node of this.#nodes) await this.#addForeignBitmap(node);
  }

  /** Has the guest write to its disks all the time, about once a second. To be called when it has booted. */
  async startWriting(): Promise<void> {
    const turn = 'n=$((n + 1)); dd if=/dev/urandom of=file$((n % 16)) bs=64k count=2 conv=fsync';
    const writer = `cd $folder; n=0; while :; do ${turn}; usleep 700000; done`;
    await this.stage.machine.guest.run(
      `for folder in /mnt/sp-*; do (${writer}) >/dev/null 2>&1 & done`,
    );
  }

  /** A backup without any disturbance, started the usual way. It is kept. */
  async backUp(kind: 'auto' | 'full' = 'auto'): Promise<BackupResult> {
    const backup = await this.stage.client.startBackup({ vm, kind });
    const result = await backup.result(AbortSignal.timeout(120_000));
    await this.keep(result.backupId);
    return result;
  }

  /** Holds a new backup against what comes later, beside the one that its chain began with and the one before it. */
  async keep(backupId: string): Promise<void> {
    const copy = this.stage.tap.copies.at(-1);
    if (!copy) throw new Error('the tap has no copy of the disks');
    this.kept = [...this.kept.slice(0, 1), ...this.kept.slice(1).slice(-1)];
    this.kept.push({ backupId, files: copy.files });
    this.sinceFull++;
    const needed = new Set(this.kept.flatMap(({ files }) => [...files.values()]));
    for (const { files } of this.stage.tap.copies)
      for (const file of files.values()) if (!needed.has(file)) await rm(file, { force: true });
  }

  /** The run of the VM's workflow that is the latest. */
  get workflow(): WorkflowHandle {
    return this.temporal.workflow.getHandle(`backup/${vm}`);
  }

  /** How long the guest stood frozen, and the VM paused, at the longest since the last call. */
  takeLongest(): { frozenMs: number; pausedMs: number } {
    const frozenMs = Math.round(this.stage.agentTap.longestFrozenMs());
    if (!this.stage.agentTap.frozen) this.stage.agentTap.forget();
    const pausedMs = Math.round(this.#longestPausedMs);
    this.#longestPausedMs = 0;
    return { frozenMs, pausedMs };
  }

  /** Begins a new chain with a full backup, and removes all before it. */
  async beginAnew(): Promise<void> {
    const newest = (await this.backUp('full')).backupId;
    const folder = join(this.stage.product.repository, vm);
    for (const name of await readdir(folder))
      if (name < newest && !name.endsWith('.partial'))
        await rm(join(folder, name), { recursive: true });
    this.kept = this.kept.slice(-1);
    this.sinceFull = 0;
    // The one that drops the segments of those that were removed.
    await this.backUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.temporal.connection.close();
    await this.stage[Symbol.asyncDispose]();
  }

  async #addForeignBitmap(node: string): Promise<void> {
    const { labQmp } = this.stage.machine;
    await labQmp.execute('block-dirty-bitmap-add', {
      node,
      name: foreign.bitmap,
      granularity: 65536,
    });
  }

  #endPause(): void {
    if (this.#pausedSince !== undefined)
      this.#longestPausedMs = Math.max(
        this.#longestPausedMs,
        performance.now() - this.#pausedSince,
      );
    this.#pausedSince = undefined;
  }
}
