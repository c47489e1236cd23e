import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Inventory } from '../model/inventory.ts';
import { InventoryError } from './errors.ts';
import { parseInventory } from './parse.ts';

/** Where an inventory is looked for when none is named, first come first served. */
const places = ['./stillpoint.yaml', '/etc/stillpoint.yaml'];

/** What is wrong and what to do, by the system's error code. */
const unreadable: Record<string, string> = {
  ENOENT:
    'there is no such file. Name your inventory with --config, or write one (docs/configuration.md).',
  EACCES: 'no permission to read the inventory. Run as a user who may, or change its mode.',
  EISDIR: 'is a folder, not an inventory file. Name the file in it.',
};

/** The absolute path of the inventory: the one named, else the first of the usual places. Throws `InventoryError` when there is none. */
export function findInventory(explicit?: string): string {
  if (explicit !== undefined) return resolve(explicit);
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return resolve(found);
  throw new InventoryError(
    places[0] ?? '',
    `No inventory: there is neither ${places.join(' nor ')}. Write one (docs/configuration.md), or name yours with --config.`,
  );
}

/** Reads and checks the inventory. May run at any time and again; throws `InventoryError` with file, line and column. */
export async function loadInventory(path: string): Promise<Inventory> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const why = unreadable[cause.code ?? ''] ?? `the inventory cannot be read (${cause.message}).`;
    throw new InventoryError(path, `${path}: ${why}`, { cause });
  });
  return parseInventory(text, path);
}
