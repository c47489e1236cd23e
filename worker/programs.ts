import { fileURLToPath } from 'node:url';

/** Files that run as processes of their own. They are found beside this one, built or not. */
function besideThis(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** Starts a guard; the guard's own configuration file is added. */
export const guardCommand: readonly string[] = [
  process.execPath,
  besideThis('../host/guard/main.js'),
];

/** The workflows, bundled by the build. */
export const workflowBundle: string = besideThis('../workflows/bundle.js');
