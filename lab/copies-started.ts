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

/** A line of QMP whose copy jobs, if it starts any, begin with that limit at most, in bytes a second. Others stay as they are. */
export function slowCopies(line: string, bytesPerSecond: number): string {
  if (!line.includes('-backup"')) return line;
  const command = JSON.parse(line) as Sent;
  for (const job of copiesStarted(command))
    job.speed = Math.min(job.speed || Infinity, bytesPerSecond);
  return JSON.stringify(command);
}

/**
 * Whether a command takes an instant of a machine that runs on: a transaction with jobs that read the disks themselves.
 * Under a filter they read nodes of the product's own, and the instant is the moment at which the filter went in.
 */
export function takesInstant(command: {
  readonly name: string;
  readonly copied: readonly string[];
}): boolean {
  return command.name === 'transaction' && command.copied.some((node) => !node.startsWith('sp-'));
}
