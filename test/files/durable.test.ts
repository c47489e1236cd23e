import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDurably,
  readJsonFile,
  removeFile,
  syncFolder,
  writeDurably,
} from '../../files/durable.ts';
import { BrokenJsonError } from '../../files/errors.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('writeDurably', () => {
  it('replaces what was there and leaves nothing else', async () => {
    const path = join(folder, 'lease.json');
    await writeFile(path, 'a longer old content');

    await writeDurably(path, 'new');

    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['lease.json']);
  });

  it('writes a file that only its owner reads', async () => {
    const path = join(folder, 'lease.json');

    await writeDurably(path, 'text');

    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('writes over what a dead writer left', async () => {
    const path = join(folder, 'lease.json');
    await writeFile(`${path}.tmp`, 'half of something long');

    await writeDurably(path, 'whole');

    expect(await readFile(path, 'utf8')).toBe('whole');
    expect(await readdir(folder)).toEqual(['lease.json']);
  });

  it('shows a reader the old content or the new, never a part', async () => {
    const path = join(folder, 'lease.json');
    const texts = ['a'.repeat(3_000_000), 'b'.repeat(5_000_000)];
    await writeDurably(path, 'a'.repeat(3_000_000));
    const seen: string[] = [];
    const done = new AbortController();
    const reading = (async () => {
      while (!done.signal.aborted) seen.push(await readFile(path, 'utf8').catch(() => 'nothing'));
    })();

    for (let time = 0; time < 10; time++) for (const text of texts) await writeDurably(path, text);

    done.abort();
    await reading;
    expect(seen.every((text) => texts.includes(text))).toBe(true);
  });

  it('never writes through a link that somebody put in its way', async () => {
    const path = join(folder, 'lease.json');
    const victim = join(folder, 'victim');
    await writeFile(victim, 'mine');
    await symlink(victim, `${path}.tmp`);

    await writeDurably(path, 'text');

    expect(await readFile(victim, 'utf8')).toBe('mine');
  });

  it('fails with the code of the system where there is no folder', async () => {
    await expect(writeDurably(join(folder, 'none', 'x'), 'text')).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

describe('createDurably', () => {
  it('lets exactly one of many writers make the file', async () => {
    const path = join(folder, 'mark.json');

    const made = await Promise.all(
      Array.from({ length: 20 }, async (_, writer) => createDurably(path, `writer ${writer}`)),
    );

    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await readFile(path, 'utf8')).toBe(`writer ${made.indexOf(true)}`);
    expect(await readdir(folder)).toEqual(['mark.json']);
  });
});

describe('readJsonFile', () => {
  it('gives the content', async () => {
    const path = join(folder, 'a.json');
    await writeFile(path, '{"a":[1]}');

    expect(await readJsonFile(path)).toEqual({ a: [1] });
  });

  it('gives undefined for a file that is not there', async () => {
    expect(await readJsonFile(join(folder, 'none.json'))).toBeUndefined();
  });

  for (const text of ['', '{"a":', 'hello']) {
    it(`names the file whose content is ${JSON.stringify(text)}`, async () => {
      const path = join(folder, 'a.json');
      await writeFile(path, text);

      const read = readJsonFile(path);

      await expect(read).rejects.toThrow(BrokenJsonError);
      await expect(read).rejects.toThrow(path);
    });
  }
});

describe('removeFile', () => {
  it('removes a file, and none a second time', async () => {
    const path = join(folder, 'a');
    await writeFile(path, '');

    await removeFile(path);
    await removeFile(path);

    expect(await readdir(folder)).toEqual([]);
  });
});

describe('syncFolder', () => {
  it('fails where there is no folder', async () => {
    await expect(syncFolder(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
