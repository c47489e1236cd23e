import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabProcess } from './lab-process.ts';

const START_MS = 60_000;

/** The built CLI, beside this file's built form; from source it is found in `dist/`. */
function builtCli(): string {
  const here = new URL('../client/cli.js', import.meta.url);
  const fromSource = new URL('../dist/client/cli.js', import.meta.url);
  return fileURLToPath(import.meta.url.endsWith('.ts') ? fromSource : here);
}

/**
 * Starts the product's worker as a process of its own, `stillpoint worker`, and waits until it polls. Its log is
 * `worker.log` in `folder`; a further worker there writes on in it.
 */
export async function startWorker(options: {
  readonly config: string;
  readonly folder: string;
  readonly roles?: string;
  /** The folder with the build to run; the project's own if left out. */
  readonly build?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}): Promise<LabProcess> {
  const { config, folder, roles = 'control,host', build, env } = options;
  const cli = build === undefined ? builtCli() : join(build, 'client', 'cli.js');
  const log = join(folder, 'worker.log');
  const before = await readFile(log, 'utf8').catch(() => '');
  const command = [process.execPath, cli, 'worker', '--config', config, '--role', roles];
  const worker = await LabProcess.start(command, { log, env });
  try {
    await worker.ready('the worker', START_MS, async () => {
      const said = (await readFile(log, 'utf8')).slice(before.length);
      if (!said.includes('worker is ready')) throw new Error('not ready yet');
    });
    return worker;
  } catch (error) {
    await worker.kill();
    throw error;
  }
}
