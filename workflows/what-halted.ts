import type { Halt } from '../model/halt.ts';

/** Which disks stand still, and why, in a sentence. */
export function whatHalted({ disks }: Halt): string {
  const why = ({ error, operation }: Halt['disks'][number]) => {
    const where = operation === undefined ? '' : operation === 'read' ? ', reading' : ', writing';
    return error === 'no-space' ? `no space left${where}` : `an I/O error${where}`;
  };
  return disks.map((disk) => `${disk.device} (${why(disk)})`).join(', ');
}
