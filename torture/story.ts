import type { RequestedKind, Shield } from '../model/choices.ts';

/** A write of the guest. What it names is taken modulo what there is, so that every part of a story can be left out. */
export type Write = {
  readonly op: 'write' | 'zero' | 'discard';
  readonly disk: number;
  /** Where on the disk, as a fraction of it in 1/65536. */
  readonly at: number;
  readonly sectors: number;
};

/** What is done to a backup on its way. */
export const faultKinds = [
  'worker killed',
  'worker ended',
  'worker stopped',
  'guard killed',
  'QEMU killed',
  'QEMU ended',
  'receiver killed',
  'receiver stopped',
  'connection cut',
  'Temporal killed',
  'cancelled',
  'terminated',
  'target full',
  'target hung',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A fault, and when it strikes: at a QMP command of the backup, counted from its start or by its name. */
export type Fault = {
  readonly kind: FaultKind;
  readonly at: number | string;
  /** Before the command gets to QEMU, or after it ran and before its answer is known. */
  readonly when: 'before' | 'after';
};

/** One backup, what the guest writes while it runs, over and over and further on each time, and the fault that it meets. */
export type Backup = {
  readonly kind: RequestedKind;
  /** Which of the backups so far a differential starts from. */
  readonly since: number | undefined;
  readonly shield: Shield;
  /** The copy begins so slowly that it has a middle. */
  readonly slow: boolean;
  readonly during: readonly Write[];
  readonly fault: Fault | undefined;
};

export type Step =
  | { readonly do: 'write'; readonly writes: readonly Write[] }
  | { readonly do: 'grow'; readonly disk: number }
  | { readonly do: 'plug or unplug' }
  | { readonly do: 'restart'; readonly how: 'quit' | 'kill' }
  | { readonly do: 'back up'; readonly backup: Backup };

export type DiskMake = {
  /** Which of the ways to attach one. */
  readonly attachment: number;
  readonly format: 'qcow2' | 'raw';
  /** In steps of four MiB. */
  readonly size: number;
};

/** A VM, its first disk on a controller that takes more, and what happens to it from its start to its end. */
export type VmStory = { readonly disks: readonly DiskMake[]; readonly steps: readonly Step[] };

/** What happens to some VMs at one time. */
export type Story = { readonly vms: readonly VmStory[] };
