#!/usr/bin/env node
import { run } from './run.ts';

const interrupted = new AbortController();
// Once: a second Ctrl-C ends the process at once.
process.once('SIGINT', () => interrupted.abort());
// Whoever read our output has gone, as in `stillpoint backups | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  interrupted: interrupted.signal,
});
