import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RepositoryUnreachableError } from '../../../repository/errors.ts';
import { RemoteRepository } from '../../../repository/remote.ts';
import { build } from '../../repository/built.ts';
import { mountOrSkip } from '../file-system.ts';
import { monday, tuesday } from '../../repository/sample.ts';

const child = 'repository/child.ts';
let built: Awaited<ReturnType<typeof build>>;

beforeAll(async () => {
  built = await build(child);
});

afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

describe('a repository whose file system hangs its processes in the kernel', () => {
  it('costs each call its deadline, then none any more, and works again when it is back', async (context) => {
    await using disk = await mountOrSkip(context);
    const options = { entry: built.path(child), maxAbandoned: 2 };
    const repository = new RemoteRepository(join(disk.path, 'backups'), options);
    await repository.open(true);
    await disk.hang();
    const soon = { deadlineMs: 1000 };

    const first = repository.prepare('web1', monday, soon);
    await expect(first).rejects.toThrow(RepositoryUnreachableError);
    const second = repository.prepare('web1', tuesday, soon);
    await expect(second).rejects.toThrow(RepositoryUnreachableError);
    const third = repository.open(false, { deadlineMs: 600_000 });
    await expect(third).rejects.toThrow('2 processes hang in it');

    await disk.recover();
    await vi.waitFor(async () => repository.open(false), { timeout: 30_000, interval: 100 });
    await expect(repository.prepare('web1', monday)).resolves.toContain(monday);
    repository.close();
  });
});
