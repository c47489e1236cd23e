/** The arguments of one copy job. */
export type CopyJob = {
  readonly 'job-id'?: string;
  readonly device?: string;
  speed?: number;
  readonly [key: string]: unknown;
};

/** A command of QMP, as it is on the line. */
export type Sent = {
  readonly execute?: unknown;
  readonly id?: unknown;
  readonly arguments?: CopyJob & {
    readonly actions?: readonly { readonly type?: unknown; readonly data?: CopyJob }[];
  };
};

const isBackup = /^(blockdev|drive)-backup$/;

/** The copy jobs that a command starts, alone or in a transaction: the parts of it themselves. */
export function copiesStarted({ execute, arguments: given }: Sent): CopyJob[] {
  if (isBackup.test(String(execute))) return given ? [given] : [];
  return (given?.actions ?? []).flatMap(({ type, data }) =>
    data && isBackup.test(String(type)) ? [data] : [],
  );
}

/** Whether a copy job reads a disk itself. Behind a filter the jobs read nodes of the product's own. */
export function readsDisk({ device = '' }: CopyJob): boolean {
  return !device.startsWith('sp-');
}

/** A line of QMP whose copy jobs, if it starts any, begin with that limit, in bytes a second. Others stay as they are. */
export function slowCopies(line: string, bytesPerSecond: number): string {
  if (!line.includes('-backup"')) return line;
  const command = JSON.parse(line) as Sent;
  for (const job of copiesStarted(command)) job.speed = bytesPerSecond;
  return JSON.stringify(command);
}

/**
 * Whether a line of QMP takes an instant of a machine that runs on: a transaction with jobs that read the disks
 * themselves. Under a filter the instant is the moment at which that went in.
 */
export function startsAtInstant(line: string): boolean {
  if (!line.includes('-backup"')) return false;
  const command = JSON.parse(line) as Sent;
  return command.execute === 'transaction' && copiesStarted(command).some(readsDisk);
}
