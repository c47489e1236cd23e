import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { SetupMissingError } from './errors.ts';

const Setup = z.object({
  formatVersion: z.literal(1),
  temporal: z.string().describe('The Temporal CLI.'),
  kernel: z.string(),
  initramfs: z.string(),
  agent: z.string().describe('The guest agent, to be run on this machine.'),
});
/** What `setup/setup.sh` brought, each the path of a file. */
export type Setup = z.infer<typeof Setup>;

/** Reads what set-up left. Without it: `SetupMissingError`. */
export async function loadSetup(): Promise<Setup> {
  const file = join(cacheFolder(), 'setup.json');
  try {
    return Setup.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new SetupMissingError(`${file}: not readable; run "npm run setup" first`, { cause });
  }
}

/** Where set-up keeps things; the same rule as in `setup/setup.sh`. */
function cacheFolder(): string {
  const { STILLPOINT_CACHE: own, XDG_CACHE_HOME: caches } = process.env;
  return own || join(caches || join(homedir(), '.cache'), 'stillpoint');
}
