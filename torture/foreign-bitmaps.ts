import { queryAbilities } from '../capture/abilities.ts';
import { nodesOf } from '../lab/nodes-of.ts';
import type { QmpClient } from '../qemu/qmp/client.ts';
import { ForeignBitmap, type Disk } from './disk.ts';
import { Miss } from './miss.ts';
import { nodeOf } from './node-of.ts';

/** Adds one that is somebody else's, in the image where QEMU keeps it well: it must stay as it is. */
export async function addForeignBitmap(labQmp: QmpClient, disk: Disk): Promise<void> {
  if (disk.format !== 'qcow2') return;
  const { keepsBitmaps } = await queryAbilities(labQmp);
  await labQmp.execute('block-dirty-bitmap-add', {
    node: await nodeOf(labQmp, disk),
    name: nameOn(disk),
    granularity: 65_536,
    persistent: keepsBitmaps,
  });
  disk.foreign = new ForeignBitmap(keepsBitmaps);
}

/** What was done to bitmaps that are not ours, which is nothing. */
export async function checkForeignBitmaps({
  name,
  machine: { labQmp },
  plugged,
}: {
  readonly name: string;
  readonly machine: { readonly labQmp: QmpClient };
  readonly plugged: readonly Disk[];
}): Promise<void> {
  const nodes = await nodesOf(labQmp);
  const bitmaps = nodes.flatMap((node) => node['dirty-bitmaps'] ?? []);
  for (const disk of plugged) {
    if (!disk.foreign) continue;
    const found = bitmaps.find((bitmap) => bitmap.name === nameOn(disk));
    const same = found?.recording && found.persistent === disk.foreign.persistent;
    if (!same || disk.foreign.wrong(found.count))
      throw new Miss(
        `${name}: the foreign bitmap of disk ${disk.index} was touched: ${JSON.stringify(found)}; ` +
          `${disk.foreign.sure.size} to ${disk.foreign.maybe.size} of its bits must be set`,
      );
  }
}

function nameOn({ index }: Disk): string {
  return `foreign-${index}`;
}
