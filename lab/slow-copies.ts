type Job = { speed?: number; [key: string]: unknown };
type Command = {
  readonly execute?: unknown;
  readonly arguments?: Job & {
    readonly actions?: readonly { readonly type?: unknown; readonly data?: Job }[];
  };
};

/** A line of QMP whose copy jobs, if it starts any, begin with that limit, in bytes a second. Others stay as they are. */
export function slowCopies(line: string, bytesPerSecond: number): string {
  if (!line.includes('"blockdev-backup"')) return line;
  const command = JSON.parse(line) as Command;
  const jobs = command.arguments?.actions?.flatMap(({ type, data }) =>
    type === 'blockdev-backup' && data ? [data] : [],
  );
  const alone = command.execute === 'blockdev-backup' ? [command.arguments] : [];
  for (const job of jobs ?? alone) if (job) job.speed = bytesPerSecond;
  return JSON.stringify(command);
}
