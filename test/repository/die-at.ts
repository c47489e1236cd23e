/*
 * A process that makes one call to a repository and is killed just before the given step that changes a file or a
 * folder: `node die-at.js <step> <call> <folder> <arguments>`. Writes and removals of folders are torn in their middle.
 * When the call takes fewer steps, it exits with 0 and has printed them, one a line.
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename, isAbsolute, join } from 'node:path';
import { type Call, calls } from '../../repository/calls.ts';

type Method = (...args: unknown[]) => Promise<unknown>;

const [, , step = '', call = '', folder = '', args = ''] = process.argv;
let left = Number(step);
const pathOf = new WeakMap<object, string>();

async function removeOne(folder: string): Promise<void> {
  const names = await fs.readdir(folder).catch(() => []);
  const name = names.find((each) => each.endsWith('.qcow2'));
  if (name) await fs.unlink(join(folder, name));
}

const probe = await fs.open('/dev/null');
const handle = Object.getPrototypeOf(probe) as Record<string, Method>;
await probe.close();
const modules: [Record<string, Method>, string[]][] = [
  [fs as unknown as Record<string, Method>, ['open', 'link', 'mkdir', 'rename', 'rm']],
  [handle, ['sync', 'writeFile']],
];
for (const [owner, names] of modules)
  for (const name of names) {
    const original = owner[name] as Method;
    owner[name] = async function (this: unknown, ...given: unknown[]) {
      left -= 1;
      if (left > 0) {
        const paths = given.filter((each) => typeof each === 'string' && isAbsolute(each));
        const path = pathOf.get(this as object);
        console.log(name, ...(path ? [path] : paths).map((each) => basename(String(each))));
        const result = await original.apply(this, given);
        if (name === 'open') pathOf.set(result as object, String(given[0]));
        return result;
      }
      if (name === 'writeFile') await original.call(this, String(given[0]).slice(0, 20));
      if (name === 'rm') await removeOne(String(given[0]));
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => {});
    };
  }
syncBuiltinESMExports();

await calls[call as Call](folder, JSON.parse(args) as never, () => {});
