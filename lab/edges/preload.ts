import { syncBuiltinESMExports } from 'node:module';
import { dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { FOLDER_VARIABLE } from './armed.ts';
import { Edge } from './edge.ts';
import { patchFiles } from './patch-files.ts';
import { patchProcesses } from './patch-processes.ts';
import { patchSockets } from './patch-sockets.ts';

// Loaded with `node --import` before the product, in each of its processes: watches all that the product does to the
// world, at Node's own edges. So an effect that is new in the product is watched with no change here.

type Activity = { readonly info?: { readonly activityType?: string } };
type Storage = { getStore(): Activity | undefined };

/** Temporal's SDK keeps the current activity here, for any number of copies of itself. */
const storage = Symbol.for('__temporal_activity_context_storage__');

/** Who is at work: the activity in a worker, else the process. What a worker does beside its activities is not watched. */
function whoIn(program: string): () => string | undefined {
  if (program.endsWith('/host/guard/main.js')) return () => 'guard';
  if (program.endsWith('/repository/child.js')) return () => 'repository';
  return () =>
    (globalThis as unknown as Record<symbol, Storage | undefined>)[storage]?.getStore()?.info
      ?.activityType;
}

const folder = process.env[FOLDER_VARIABLE];
if (folder !== undefined && isMainThread) {
  const edge = new Edge(folder, whoIn(process.argv[1] ?? ''));
  const passedOn = {
    [FOLDER_VARIABLE]: folder,
    NODE_OPTIONS: process.env['NODE_OPTIONS'] ?? '',
  };
  await patchFiles(edge, dirname(folder));
  patchProcesses(edge, passedOn);
  patchSockets(edge);
  syncBuiltinESMExports();
}
