import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  BackupNotFoundError,
  NoSpaceError,
  RepositoryAccessError,
  RepositoryUnreachableError,
} from '../../repository/errors.ts';
import { markPath, targetPath } from '../../repository/layout.ts';
import { listBackups } from '../../repository/list.ts';
import { RemoteRepository } from '../../repository/remote.ts';
import { build } from './built.ts';
import {
  instant,
  monday,
  origin,
  planOf,
  temporaryRepository,
  tuesday,
  written,
} from './sample.ts';

const run = promisify(execFile);
const scripts = {
  child: 'repository/child.ts',
  scripted: 'test/repository/scripted-child.ts',
  ask: 'test/repository/ask.ts',
};
let built: Awaited<ReturnType<typeof build>>;
let entry = '';

beforeAll(async () => {
  built = await build(...Object.values(scripts));
  entry = built.path(scripts.child);
});

afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

/** A repository that hangs who opens it: opening a named pipe waits for its writer. */
async function hanging(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run('mkfifo', [markPath(folder)]);
}

/** The children of a process that are alive. */
async function childrenOf(pid: number | undefined): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean);
}

function closing(repository: RemoteRepository): Disposable & { repository: RemoteRepository } {
  return { repository, [Symbol.dispose]: () => repository.close() };
}

describe('RemoteRepository', () => {
  it('does in another process what the functions do in this one', async () => {
    await using place = await temporaryRepository();
    const { folder } = place;
    using remote = closing(new RemoteRepository(folder, { entry }));
    const { repository } = remote;
    const plan = planOf(monday);
    const told: number[] = [];

    const mark = await repository.open(true);
    const partial = await repository.prepare('web1', monday);
    await written(folder, plan);
    const partials = await repository.listPartials('web1');
    const manifest = await repository.publish(plan, instant, origin, {
      onProgress: (bytes) => told.push(bytes),
    });
    await repository.verify('web1', monday);

    expect(await repository.open(false)).toEqual(mark);
    expect(targetPath(folder, 'web1', monday, 'vd0')).toBe(`${partial}/vd0.qcow2`);
    expect(partials).toEqual([monday]);
    expect(await listBackups(folder)).toEqual([manifest]);
    expect(await repository.list('web1')).toEqual([manifest]);
    expect(await repository.survey()).toEqual({ backups: [manifest], checkpoints: [], broken: [] });
    await repository.prepare('web1', tuesday);
    await repository.removePartial('web1', tuesday);
    expect(await repository.listPartials('web1')).toEqual([]);
    await repository.delete('web1', monday);
    expect(await repository.list()).toEqual([]);
    expect(told.every((bytes) => bytes > 0)).toBe(true);
  });

  it('throws the errors of the functions, with their classes and facts', async () => {
    await using place = await temporaryRepository();
    using remote = closing(new RemoteRepository(place.folder, { entry }));
    const { repository } = remote;
    await repository.open(true);

    const checked = repository.checkSpace(1e18);
    const verified = repository.verify('web1', monday);

    await expect(checked).rejects.toThrow(NoSpaceError);
    await expect(checked).rejects.toMatchObject({
      name: 'NoSpaceError',
      facts: { neededBytes: 1e18 },
    });
    await expect(verified).rejects.toThrow(BackupNotFoundError);
  });

  it('names what the file system refused, with its code', async () => {
    await using place = await temporaryRepository();
    await writeFile(place.folder, 'a file');
    using remote = closing(new RemoteRepository(place.folder, { entry }));

    const opened = remote.repository.open(true);

    await expect(opened).rejects.toThrow(RepositoryAccessError);
    await expect(opened).rejects.toMatchObject({ facts: { code: 'ENOTDIR' } });
  });

  it('refuses names that are none in the other process too', async () => {
    await using place = await temporaryRepository();
    using remote = closing(new RemoteRepository(place.folder, { entry }));
    await remote.repository.open(true);

    await expect(remote.repository.prepare('../web1', monday)).rejects.toThrow('a VM name is');
  });

  it('gives up a repository that hangs, and answers again when it does', async () => {
    await using place = await temporaryRepository();
    await hanging(place.folder);
    using remote = closing(new RemoteRepository(place.folder, { entry }));
    const { repository } = remote;

    const opened = repository.open(false, { deadlineMs: 500 });

    await expect(opened).rejects.toThrow(RepositoryUnreachableError);
    await expect(opened).rejects.toThrow(place.folder);
    await rm(markPath(place.folder));
    await expect(repository.open(true)).resolves.toMatchObject({ formatVersion: 1 });
  });

  it('leaves no process behind that it gave up', async () => {
    await using place = await temporaryRepository();
    await hanging(place.folder);
    using remote = closing(new RemoteRepository(place.folder, { entry }));
    const before = await childrenOf(process.pid);

    await remote.repository.open(false, { deadlineMs: 500 }).catch(() => {});

    await vi.waitFor(async () => expect(await childrenOf(process.pid)).toEqual(before), 10_000);
  });

  it('never tires of a repository whose hanging processes can be killed', async () => {
    await using place = await temporaryRepository();
    await hanging(place.folder);
    using remote = closing(new RemoteRepository(place.folder, { entry, maxAbandoned: 1 }));
    const { repository } = remote;

    await repository.open(false, { deadlineMs: 500 }).catch(() => {});
    await rm(markPath(place.folder));

    const opened = await vi.waitFor(async () => repository.open(true), 10_000);

    expect(opened).toMatchObject({ formatVersion: 1 });
  });

  it('ends a call that is aborted with the reason, and its process', async () => {
    await using place = await temporaryRepository();
    await hanging(place.folder);
    using remote = closing(new RemoteRepository(place.folder, { entry }));
    const before = await childrenOf(process.pid);
    const abort = new AbortController();

    const opened = remote.repository.open(false, { signal: abort.signal });
    abort.abort(new Error('cancelled'));

    await expect(opened).rejects.toThrow('cancelled');
    await vi.waitFor(async () => expect(await childrenOf(process.pid)).toEqual(before), 10_000);
  });

  it('makes no call at all for a signal that was aborted before', async () => {
    await using place = await temporaryRepository();
    using remote = closing(new RemoteRepository(place.folder, { entry }));

    const signal = AbortSignal.abort(new Error('cancelled'));

    await expect(remote.repository.open(true, { signal })).rejects.toThrow('cancelled');
    await remote.repository.open(false).catch(() => {});
    expect(existsSync(place.folder)).toBe(false);
  });

  it('fails the calls under way when it is closed, and all later ones', async () => {
    await using place = await temporaryRepository();
    await hanging(place.folder);
    const repository = new RemoteRepository(place.folder, { entry });

    const opened = repository.open(false);
    repository.close();

    await expect(opened).rejects.toThrow(RepositoryUnreachableError);
    await expect(repository.open(false)).rejects.toThrow('closed');
  });

  it('holds nobody who has his answer', async () => {
    await using place = await temporaryRepository();
    using remote = closing(new RemoteRepository(place.folder, { entry }));
    await remote.repository.open(true);

    const asked = await run(process.execPath, [built.path(scripts.ask), entry, place.folder]);

    expect(asked.stdout).toBe('asked\n1\n');
  });

  it('leaves no child behind when its process is killed, also one that hangs', async () => {
    await using place = await temporaryRepository();
    await hanging(place.folder);
    const parent = spawn(process.execPath, [built.path(scripts.ask), entry, place.folder]);
    await once(parent.stdout, 'data');
    const children = await childrenOf(parent.pid);

    parent.kill('SIGKILL');

    expect(children).toHaveLength(1);
    await vi.waitFor(() => expect(children.some(isAlive)).toBe(false), 10_000);
  });
});

describe('a child', () => {
  it('is shared by short calls, one after another and at once', async () => {
    using remote = closing(new RemoteRepository('/none', { entry: built.path(scripts.scripted) }));
    const { repository } = remote;

    const answers = [
      ...(await Promise.all([repository.survey(), repository.survey()])),
      await repository.survey(),
    ];

    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  it('that reads for long has time as long as it makes progress', async () => {
    using remote = closing(new RemoteRepository('/none', { entry: built.path(scripts.scripted) }));
    const told: number[] = [];
    await remote.repository.survey();

    const published = remote.repository.publish(planOf(monday), instant, origin, {
      deadlineMs: 2000,
      onProgress: (bytes) => told.push(bytes),
    });

    await expect(published).resolves.toHaveProperty('pid');
    expect(told).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  });

  it('that makes no progress any more is given up', async () => {
    using remote = closing(new RemoteRepository('/none', { entry: built.path(scripts.scripted) }));

    const verified = remote.repository.verify('web1', monday, { deadlineMs: 500 });

    await expect(verified).rejects.toThrow(RepositoryUnreachableError);
  });

  it('that hangs in a short call takes no long call with it', async () => {
    using remote = closing(new RemoteRepository('/none', { entry: built.path(scripts.scripted) }));
    const { repository } = remote;
    await repository.survey();

    const published = repository.publish(planOf(monday), instant, origin);
    const opened = repository.open(false, { deadlineMs: 300 });

    await expect(opened).rejects.toThrow(RepositoryUnreachableError);
    await expect(published).resolves.toHaveProperty('pid');
  });

  it('is brought back by a long call for the next short one', async () => {
    using remote = closing(new RemoteRepository('/none', { entry: built.path(scripts.scripted) }));
    const { repository } = remote;
    const before = await repository.survey();

    const deleted = await repository.delete('web1', monday);

    expect(deleted).toEqual(before);
    expect(await repository.survey()).toEqual(before);
  });

  it('that ends by itself fails its call at once, with its last words', async () => {
    using remote = closing(new RemoteRepository('/none', { entry: built.path(scripts.scripted) }));

    const listed = remote.repository.list('web1', { deadlineMs: 600_000 });

    await expect(listed).rejects.toThrow(RepositoryUnreachableError);
    await expect(listed).rejects.toThrow('exit code 3');
    await expect(listed).rejects.toThrow('something broke in here');
  });

  it('that cannot be started fails its call at once', async () => {
    using remote = closing(new RemoteRepository('/none', { entry: '/none/child.js' }));

    const listed = remote.repository.list('web1', { deadlineMs: 600_000 });

    await expect(listed).rejects.toThrow(RepositoryUnreachableError);
  });
});

function isAlive(pid: string): boolean {
  return existsSync(`/proc/${pid}`);
}
