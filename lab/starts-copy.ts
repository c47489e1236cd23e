/** How the product's own nodes begin. */
const ours = /^sp-/;

type Transaction = {
  readonly execute?: unknown;
  readonly arguments?: {
    readonly actions?: readonly { readonly type?: unknown; readonly data?: Job }[];
  };
};
type Job = { readonly device?: string; readonly [key: string]: unknown };

/**
 * Whether a line of QMP takes an instant of a machine that runs on: a transaction with a copy job that reads a disk
 * itself. Behind a filter the jobs read our own nodes, and the instant was before.
 */
export function startsCopyOfDisk(line: string): boolean {
  if (!/"(blockdev|drive)-backup"/.test(line)) return false;
  const command = JSON.parse(line) as Transaction;
  if (command.execute !== 'transaction') return false;
  return (command.arguments?.actions ?? []).some(
    ({ type, data: { device } = {} }) =>
      (type === 'blockdev-backup' || type === 'drive-backup') &&
      device !== undefined &&
      !ours.test(device),
  );
}
