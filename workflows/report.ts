import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { Halt } from '../model/halt.ts';
import type { InstantRecord } from '../model/instant.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { Phase } from '../model/result.ts';
import { searchAttributes } from './search-attributes.ts';
import { whatHalted } from './what-halted.ts';

/** The answer to the query `status`. */
export type BackupStatus = {
  readonly vm: string;
  readonly backupId: string;
  readonly phase: Phase;
  readonly kind?: string;
  readonly expectedBytes?: number;
  readonly consistency?: string;
  readonly frozenMs?: number;
  readonly pausedMs?: number;
  /** Why the copy stands still, and until when an operator is waited for. */
  readonly waiting?: Halt & { readonly until: string };
};

/** What a running backup tells of itself: the query `status`, the details in the Web UI, the search attributes. */
export class Report {
  readonly vm: string;
  readonly #backupId: string;
  #host = '';
  #indexed = false;
  #phase: Phase = 'locating';
  #plan: BackupPlan | undefined;
  #instant: InstantRecord | undefined;
  #waiting: BackupStatus['waiting'];
  #note = '';

  constructor(vm: string, backupId: string) {
    this.vm = vm;
    this.#backupId = backupId;
  }

  get status(): BackupStatus {
    const [plan, instant] = [this.#plan, this.#instant];
    return {
      vm: this.vm,
      backupId: this.#backupId,
      phase: this.#phase,
      ...(plan && { kind: plan.kind, expectedBytes: plan.expectedBytes }),
      ...(instant && {
        consistency: instant.consistency,
        frozenMs: instant.frozenMs,
        pausedMs: instant.pausedMs,
      }),
      ...(this.#waiting && { waiting: this.#waiting }),
    };
  }

  located(host: string, indexed: boolean): void {
    this.#host = host;
    this.#indexed = indexed;
    this.enter('planning');
  }

  /** One of the two upserts of a backup: each is an action that Temporal Cloud bills. */
  planned(plan: BackupPlan, phase: Phase = 'copying'): void {
    this.#plan = plan;
    this.enter('preparing');
    this.#upsert([
      { key: searchAttributes.vm, value: this.vm },
      { key: searchAttributes.host, value: this.#host },
      { key: searchAttributes.backupId, value: this.#backupId },
      { key: searchAttributes.kind, value: plan.kind },
      { key: searchAttributes.phase, value: phase },
    ]);
  }

  /** A snapshot has no kind, and nothing to copy. */
  plannedSnapshot(): void {
    this.enter('preparing');
    this.#upsert([
      { key: searchAttributes.vm, value: this.vm },
      { key: searchAttributes.host, value: this.#host },
      { key: searchAttributes.backupId, value: this.#backupId },
      { key: searchAttributes.phase, value: 'preparing' },
    ]);
  }

  caught(instant: InstantRecord): void {
    this.#instant = instant;
    this.enter('starting');
  }

  /** The copy stands still. Rare, so it is worth an upsert: whoever looks for what waits finds it. */
  waits(halt: Halt, until: Date): void {
    this.enter('waiting', waitingNote(this.vm, halt, until));
    this.#waiting = { ...halt, until: until.toISOString() };
    this.#upsert([{ key: searchAttributes.phase, value: 'waiting' }]);
  }

  goesOn(): void {
    this.#upsert([{ key: searchAttributes.phase, value: 'copying' }]);
  }

  enter(phase: Phase, note = ''): void {
    this.#phase = phase;
    this.#waiting = undefined;
    this.#note = note;
    setCurrentDetails(this.#markdown());
  }

  /** The other upsert. */
  ended(phase: 'done' | 'rolled-back' | 'not-undone', note = ''): void {
    this.enter(phase, note);
    this.#upsert([
      { key: searchAttributes.phase, value: phase },
      ...(this.#instant
        ? [{ key: searchAttributes.consistency, value: this.#instant.consistency }]
        : []),
    ]);
  }

  #upsert(pairs: Parameters<typeof upsertSearchAttributes>[0]): void {
    if (this.#indexed) upsertSearchAttributes(pairs);
  }

  #markdown(): string {
    const [plan, instant] = [this.#plan, this.#instant];
    const lines = [
      `**${this.vm}**, backup \`${this.#backupId}\`: ${this.#phase}`,
      ...(this.#note ? ['', this.#note] : []),
      ...(plan
        ? [
            '',
            `${plan.kind}, about ${mebibytes(plan.expectedBytes)} expected, shield \`${plan.shield}\`, QEMU ${plan.qemuVersion}`,
            '',
            // No table: the Web UI sets its cells without any room between them.
            ...plan.disks.map(
              ({ device, kind, reason, expectedBytes, parent }) =>
                `- **${device}**: ${kind} (${reason}), about ${mebibytes(expectedBytes)}${parent === null ? '' : `, builds on \`${parent}\``}`,
            ),
          ]
        : []),
      ...(instant
        ? [
            '',
            `${instant.consistency}-consistent at ${instant.takenAt}; frozen ${Math.round(instant.frozenMs)} ms, paused ${Math.round(instant.pausedMs)} ms`,
          ]
        : []),
      ...[...(plan?.warnings ?? []), ...(instant?.warnings ?? [])].map((text) => `\n⚠ ${text}`),
    ];
    return lines.join('\n');
  }
}

function waitingNote(vm: string, halt: Halt, until: Date): string {
  return [
    `**Waiting for an operator**, until ${until.toISOString()}: the copy stands still. ${whatHalted(halt)}.`,
    '',
    `Up to ${mebibytes(halt.neededBytes)} are left to be written to the repository. Make room, or mend what is wrong, then \`stillpoint resume ${vm}\` (update \`resume\`); or undo the backup: \`stillpoint abort ${vm}\` (update \`abort\`).`,
  ].join('\n');
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
