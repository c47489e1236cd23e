import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An inventory file in a folder of its own, which goes away with all that is in it. */
export type WrittenInventory = AsyncDisposable & {
  readonly folder: string;
  readonly file: string;
  readonly repository: string;
};

/** Writes an inventory: `vms` is YAML below `vms:`, `rest` is YAML at the top. */
export async function writtenInventory(
  vms = '{ web1: { qmp: /run/none.sock } }',
  rest = '',
): Promise<WrittenInventory> {
  const folder = await mkdtemp(join(tmpdir(), 'sp-cli-'));
  const file = join(folder, 'stillpoint.yaml');
  const repository = join(folder, 'backups');
  const state = join(folder, 'state');
  await writeFile(file, `repository: ${repository}\nstate: ${state}\nvms: ${vms}\n${rest}\n`);
  return {
    folder,
    file,
    repository,
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  };
}
