import { existsSync, statSync } from 'node:fs';
import fs from 'node:fs/promises';
import { basename } from 'node:path';
import type { Edge } from './edge.ts';
import { stable } from './names.ts';

type Method = (...args: unknown[]) => Promise<unknown>;

const changing = ['link', 'mkdir', 'rename', 'rm', 'unlink', 'writeFile', 'chmod', 'copyFile'];

/** Watches every change of a file or folder below `root` that is made with `node:fs/promises`. */
export async function patchFiles(edge: Edge, root: string): Promise<void> {
  const module = fs as unknown as Record<string, Method>;
  const paths = new WeakMap<object, string>();
  const isWatched = (path: unknown): path is string =>
    typeof path === 'string' && path.startsWith(root);

  for (const name of changing) {
    const original = module[name] as Method;
    module[name] = async (...args) => {
      const watched = args.filter(isWatched).map((path) => stable(basename(path)));
      if (watched.length === 0 || changesNothing(name, args)) return original(...args);
      const ended = edge.begin(`${name} ${watched.join(' ')}`);
      const result = await original(...args);
      ended();
      return result;
    };
  }

  const open = module['open'] as Method;
  module['open'] = async (path, flags, ...rest) => {
    const makes = isWatched(path) && flags !== undefined && flags !== 'r';
    const ended = makes ? edge.begin(`open ${stable(basename(path))}`) : () => {};
    const handle = await open(path, flags, ...rest);
    if (isWatched(path)) paths.set(handle as object, path);
    ended();
    return handle;
  };

  const probe = await fs.open('/dev/null');
  const handle = Object.getPrototypeOf(probe) as Record<string, Method>;
  await probe.close();
  for (const name of ['sync', 'datasync', 'writeFile', 'truncate']) {
    const original = handle[name] as Method;
    handle[name] = async function (this: object, ...args: unknown[]) {
      const path = paths.get(this);
      const ended = path === undefined ? () => {} : edge.begin(`${name} ${stable(basename(path))}`);
      const result = await original.apply(this, args);
      ended();
      return result;
    };
  }
}

/** A folder that is there, a mode that is set, a file that is gone: to make it so again is no effect. */
function changesNothing(name: string, [path, value]: readonly unknown[]): boolean {
  const there = existsSync(String(path));
  if (name === 'mkdir') return there;
  if (name === 'rm') return !there;
  return name === 'chmod' && there && (statSync(String(path)).mode & 0o7777) === value;
}
