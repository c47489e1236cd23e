import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowBundle } from './programs.ts';

// Run by `npm run build`: a worker then starts without webpack.
const { code } = await bundleWorkflowCode({
  logger: new DefaultLogger('WARN'),
  workflowsPath: fileURLToPath(new URL('../workflows/index.js', import.meta.url)),
});
await writeFile(workflowBundle, code);
