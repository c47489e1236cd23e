import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InventoryError } from '../../inventory/errors.ts';
import { findInventory, loadInventory } from '../../inventory/load.ts';

let folder: string;
let before: string;

beforeEach(async () => {
  before = process.cwd();
  folder = await mkdtemp(join(tmpdir(), 'inventory-'));
  process.chdir(folder);
});

afterEach(async () => {
  process.chdir(before);
  await rm(folder, { recursive: true });
});

describe('findInventory', () => {
  it('takes the file that is named, there or not', () => {
    expect(findInventory('fleet.yaml')).toBe(join(folder, 'fleet.yaml'));
  });

  it('takes stillpoint.yaml of the working folder', async () => {
    await writeFile('stillpoint.yaml', '');

    expect(findInventory()).toBe(join(folder, 'stillpoint.yaml'));
  });

  it('says where it looked', () => {
    expect(() => findInventory()).toThrow(
      'No inventory: there is neither ./stillpoint.yaml nor /etc/stillpoint.yaml. Write one (docs/configuration.md), or name yours with --config.',
    );
  });
});

describe('loadInventory', () => {
  it('reads a file', async () => {
    await writeFile('fleet.yaml', 'repository: /r\nvms: {}\n');

    const inventory = await loadInventory('fleet.yaml');

    expect(inventory.repository).toBe('/r');
  });

  it('says that a file is not there', async () => {
    await expect(loadInventory('gone.yaml')).rejects.toThrow(
      new InventoryError(
        'gone.yaml',
        'gone.yaml: there is no such file. Name your inventory with --config, or write one (docs/configuration.md).',
      ),
    );
  });

  it('says that a folder is no inventory', async () => {
    await expect(loadInventory(folder)).rejects.toThrow(
      `${folder}: is a folder, not an inventory file. Name the file in it.`,
    );
  });

  it('names the file of a mistake as it was named', async () => {
    await writeFile('fleet.yaml', 'repository: r\nvms: {}\n');

    await expect(loadInventory('fleet.yaml')).rejects.toThrow('fleet.yaml:1:13');
  });
});
