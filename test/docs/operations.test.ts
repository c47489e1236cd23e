import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import * as activityErrors from '../../activities/errors.ts';
import * as captureErrors from '../../capture/errors.ts';
import * as clientErrors from '../../client/errors.ts';
import { exitCodes } from '../../client/exit-codes.ts';
import * as filesErrors from '../../files/errors.ts';
import * as hostErrors from '../../host/errors.ts';
import * as inventoryErrors from '../../inventory/errors.ts';
import { Reason } from '../../model/choices.ts';
import { Manifest, ManifestDisk } from '../../model/manifest.ts';
import * as qemuErrors from '../../qemu/errors.ts';
import * as repositoryErrors from '../../repository/errors.ts';
import { searchAttributes } from '../../workflows/search-attributes.ts';
import { fromTop, readPage } from './pages.ts';

const { text } = await readPage('docs/operations.md');

/** The first cell of each row of each table in a chapter, without its backticks. */
function firstCells(chapter: string): string[] {
  const [, body = ''] = text.split(`\n## ${chapter}\n`);
  const [own = ''] = body.split('\n## ');
  return [...own.matchAll(/^\| *`?([^`|]+?)`? *\|/gm)]
    .map(([, cell = '']) => cell)
    .filter((cell) => !/^-+$/.test(cell));
}

/** Thrown ones: the root of a tree is not, but for `InventoryError`. */
function thrown(): string[] {
  const classes = Object.values({
    ...activityErrors,
    ...captureErrors,
    ...clientErrors,
    ...filesErrors,
    ...hostErrors,
    ...inventoryErrors,
    ...qemuErrors,
    ...repositoryErrors,
  }) as unknown[] as (new () => Error)[];
  const roots = classes.filter((one) =>
    classes.some((other) => Object.getPrototypeOf(other) === one),
  );
  return classes
    .filter((one) => !roots.includes(one) || one === (inventoryErrors.InventoryError as unknown))
    .map(({ name }) => name);
}

describe('docs/operations.md', () => {
  it('has a row for each class of error, and none for another', () => {
    const rows = firstCells('Errors').filter((cell) => cell !== 'Error');

    expect(rows.toSorted()).toEqual(thrown().toSorted());
  });

  it('has a row for each exit code, and none for another', () => {
    const rows = firstCells('Exit codes').filter((cell) => cell !== 'Code');

    expect(rows).toEqual(Object.values(exitCodes).map(String));
  });

  it('has a row for each type of line that --json prints', async () => {
    const source = await readFile(fromTop('client/output.ts'), 'utf8');
    const types = [...source.matchAll(/\btype: '([a-z]+)'/g)].map(([, type = '']) => type);

    expect(types.length).toBeGreaterThan(5);
    expect(firstCells('Lines of `--json`')).toEqual(expect.arrayContaining(types));
  });

  it('names each search attribute', () => {
    const names = Object.values(searchAttributes).map(({ name }) => name);

    expect(firstCells('Find backups in Temporal')).toEqual(expect.arrayContaining(names));
  });

  it('names each key of a manifest, and each reason', () => {
    const keys = [...Object.keys(Manifest.shape), ...Object.keys(ManifestDisk.shape)];
    const missing = [...keys, ...Reason.options].filter((word) => !text.includes(`\`${word}\``));

    expect(missing).toEqual([]);
  });
});
