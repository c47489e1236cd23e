import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest';
import { RepositoryUnreachableError } from '../../../repository/errors.ts';
import { RemoteRepository } from '../../../repository/remote.ts';
import { build } from '../../repository/built.ts';
import { monday, tuesday } from '../../repository/sample.ts';

const run = promisify(execFile);
const child = 'repository/child.ts';
let built: Awaited<ReturnType<typeof build>>;

beforeAll(async () => {
  built = await build(child);
});

afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

/** A file system of its own that can be made to hang: while frozen, who writes to it waits in the kernel, and no signal ends that. */
type FileSystem = AsyncDisposable & {
  path: string;
  freeze(): Promise<unknown>;
  thaw(): Promise<unknown>;
};

async function fileSystem(context: TestContext): Promise<FileSystem> {
  if (process.getuid?.() !== 0) context.skip('a file system that hangs: only root can mount one');
  const top = await mkdtemp(join(tmpdir(), 'frozen-'));
  const [image, path] = [join(top, 'image'), join(top, 'mounted')];
  await writeFile(image, '');
  await truncate(image, 32 * 1024 ** 2);
  await mkdir(path);
  try {
    await run('mkfs.ext4', ['-q', image]);
    await run('mount', ['-o', 'loop', image, path]);
  } catch (error) {
    await rm(top, { recursive: true });
    context.skip(
      `a file system that hangs: mkfs.ext4 and loop devices are needed: ${String(error)}`,
    );
  }
  const thaw = async () => run('fsfreeze', ['-u', path]);
  return {
    path,
    freeze: async () => run('fsfreeze', ['-f', path]),
    thaw,
    [Symbol.asyncDispose]: async () => {
      await thaw().catch(() => {});
      // Processes that hung in it are just about to die.
      await vi.waitFor(async () => run('umount', [path]), { timeout: 10_000, interval: 100 });
      await rm(top, { recursive: true });
    },
  };
}

describe('a repository whose file system hangs its processes in the kernel', () => {
  it('costs each call its deadline, then none any more, and works again when it is back', async (context) => {
    await using disk = await fileSystem(context);
    const options = { entry: built.path(child), maxAbandoned: 2 };
    const repository = new RemoteRepository(join(disk.path, 'backups'), options);
    await repository.open(true);
    await disk.freeze();
    const soon = { deadlineMs: 1000 };

    const first = repository.prepare('web1', monday, soon);
    await expect(first).rejects.toThrow(RepositoryUnreachableError);
    const second = repository.prepare('web1', tuesday, soon);
    await expect(second).rejects.toThrow(RepositoryUnreachableError);
    const third = repository.open(false, { deadlineMs: 600_000 });
    await expect(third).rejects.toThrow('2 processes hang in it');

    await disk.thaw();
    await vi.waitFor(async () => repository.open(false), { timeout: 30_000, interval: 100 });
    await expect(repository.prepare('web1', monday)).resolves.toContain(monday);
    repository.close();
  });
});
