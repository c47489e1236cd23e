import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { beforeAll, describe, expect, it } from 'vitest';

const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });

const folder = new URL('../histories/', import.meta.url);
const branches = (await readdir(folder).catch(() => []))
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.replace('.json', ''));

let code: string;
beforeAll(async () => {
  const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
  ({ code } = await bundleWorkflowCode({ workflowsPath, logger }));
});

// A backup that runs while the workers are replaced is replayed by the new ones: a change of the order of steps would
// stop it for ever. `UPDATE_HISTORIES=1 npx vitest run test/live/workflows` stores these histories.
describe('backupVm', () => {
  it('has stored histories', () => {
    expect(branches).toContain('success');
  });

  it.each(branches)('replays the stored history %s', async (branch) => {
    const json = JSON.parse(await readFile(new URL(`${branch}.json`, folder), 'utf8')) as unknown;
    const history = historyFromJSON(json);
    const stored = [{ workflowId: branch, history }];

    const errors: unknown[] = [];
    for await (const { error } of Worker.runReplayHistories({ workflowBundle: { code } }, stored))
      errors.push(error);

    expect(errors).toEqual([undefined]);
  });
});
