// The jobs of docker-compose.yml run here as they stand there, with stand-ins for the commands that their image has.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { searchAttributes } from '../workflows/search-attributes.ts';

type Job = { readonly entrypoint: string[]; readonly command: string[] };

const file = new URL('../docker-compose.yml', import.meta.url);
const { services } = parse(await readFile(file, 'utf8')) as { services: Record<string, Job> };

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compose-'));
  await stand('cat', 'echo secret');
  await stand('sleep', '');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const stand = (command: string, script: string) =>
  writeFile(join(folder, command), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
const exists = (name: string) => writeFile(join(folder, name), '');

/** Runs a job with nothing but its stand-ins, and tells what it called. */
async function run(job: string): Promise<{ exitCode: number | undefined; calls: string[] }> {
  const { entrypoint: [, ...options] = [], command = [] } = services[job] ?? {};
  await exists('calls');
  const { exitCode } = await execa(
    '/bin/sh',
    // Compose makes one dollar of two.
    [...options, ...command.map((script) => script.replaceAll('$$', '$'))],
    { cwd: folder, env: { PATH: folder }, extendEnv: false, reject: false },
  );
  const calls = (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n');
  return { exitCode, calls };
}

describe('schema', () => {
  const update = (database: string, schema: string) =>
    `--db ${database} update-schema --schema-name postgresql/v12/${schema}`;
  const upToDate = [update('temporal', 'temporal'), update('temporal_visibility', 'visibility')];
  const made = (database: string, schema: string) => [
    update(database, schema),
    `--db ${database} create`,
    `--db ${database} setup-schema --version 0.0`,
    update(database, schema),
  ];

  // $2 is the database; a file of its name is the database, one with .version its table of versions.
  beforeEach(() =>
    stand(
      'temporal-sql-tool',
      `echo "$*" >> calls
      [ "$SQL_PASSWORD" = secret ] || exit 1
      case $3 in
        create) [ ! -e "$2" ] && : > "$2" ;;
        setup-schema) [ -e "$2" ] && : > "$2.version" ;;
        update-schema) [ -e "$2.version" ] ;;
      esac`,
    ),
  );

  it('makes both databases on the first run, and only updates them on the second', async () => {
    expect(await run('schema')).toEqual({
      exitCode: 0,
      calls: [...made('temporal', 'temporal'), ...made('temporal_visibility', 'visibility')],
    });

    expect(await run('schema')).toEqual({ exitCode: 0, calls: upToDate });
  });

  it('goes on where a killed run has made a database and no table', async () => {
    await exists('temporal');

    const { exitCode, calls } = await run('schema');

    expect(exitCode).toBe(0);
    expect(calls.slice(0, 4)).toEqual(made('temporal', 'temporal'));
  });

  it('fails when a database cannot be made, so that the server does not start', async () => {
    await stand('temporal-sql-tool', 'exit 1');

    expect((await run('schema')).exitCode).toBe(1);
  });
});

describe('namespace', () => {
  const register = Object.values(searchAttributes).map(
    ({ name, type }) =>
      `operator search-attribute create --namespace default --type ${type.charAt(0)}${type.slice(1).toLowerCase()} --name ${name}`,
  );

  // A namespace that was just made is not known to the next call yet.
  beforeEach(() =>
    stand(
      'temporal',
      `echo "$*" >> calls
      case "$2 $3" in
        'namespace describe') [ -e namespace ] ;;
        'namespace create') : > namespace ;;
        'search-attribute create') [ -e known ] || { : > known; exit 1; } ;;
      esac`,
    ),
  );

  it('makes the namespace and registers every search attribute of the workflows', async () => {
    const { exitCode, calls } = await run('namespace');

    expect(exitCode).toBe(0);
    expect(calls).toContain('operator namespace create --namespace default --retention 720h');
    expect(new Set(calls.slice(2))).toEqual(new Set(register));
  });

  it('leaves a namespace as it is', async () => {
    await exists('namespace');
    await exists('known');

    const { exitCode, calls } = await run('namespace');

    expect(exitCode).toBe(0);
    expect(calls).toEqual(['operator namespace describe --namespace default', ...register]);
  });

  it('fails when the server never takes a search attribute', async () => {
    await stand('temporal', '[ "$2" = namespace ]');

    expect((await run('namespace')).exitCode).toBe(1);
  });
});
