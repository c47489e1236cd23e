import type { Backup, Step, Story, Write } from './story.ts';

/** A story as lines that can be read. */
export function printStory({ vms }: Story): string[] {
  return [
    ...vms.flatMap(({ disks, steps }, at) => {
      const told = disks.map(
        ({ format, size, attachment }, index) =>
          `${format} of ${4 * size + index} MiB (way ${attachment})`,
      );
      return [
        `VM ${at}: ${told.join(', ')}`,
        ...steps.map((step, number) => `  ${number + 1}. ${tellStep(step)}`),
      ];
    }),
    'All VMs at one time; at the end of each a backup.',
  ];
}

function tellStep(step: Step): string {
  switch (step.do) {
    case 'write':
      return `it writes: ${tellWrites(step.writes)}`;
    case 'grow':
      return `disk ${step.disk} grows`;
    case 'plug or unplug':
      return 'one more disk is plugged in, or taken out';
    case 'restart':
      return `QEMU: ${step.how}, and started again`;
    case 'back up':
      return `backup: ${tellBackup(step.backup)}`;
  }
}

function tellBackup({ kind, since, shield, slow, during, fault }: Backup): string {
  const from = kind === 'differential' && since !== undefined ? ` since number ${since}` : '';
  const pace = slow ? ', slowly' : '';
  const meanwhile = during.length > 0 ? `, while it writes ${tellWrites(during)}` : '';
  const at = typeof fault?.at === 'number' ? `command ${fault.at}` : fault?.at;
  const strike = fault ? `; ${fault.kind} ${fault.when} ${at}` : '';
  return `${kind}${from}, shield ${shield}${pace}${meanwhile}${strike}`;
}

function tellWrites(writes: readonly Write[]): string {
  return writes
    .map(({ op, disk, at, sectors }) => `${op} disk ${disk} at ${at}/65536, ${sectors} sectors`)
    .join('; ');
}
