import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { describe, expect, it } from 'vitest';
import { parseInventory } from '../../inventory/parse.ts';
import { runCli } from '../client/run-cli.ts';
import { blocksOf, fromTop, proseOf, readPages, type Page } from './pages.ts';

const pages = await readPages();
const { scripts } = JSON.parse(await readFile(fromTop('package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** Lines of all fenced blocks but program text, continued ones made one, and inline code. */
function linesOf(page: Page): string[] {
  const blocks = blocksOf(page).filter(({ language }) => ['sh', 'ini', ''].includes(language));
  const lines = blocks.flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, '').split('\n'));
  const inline = [...proseOf(page).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  return [...lines, ...inline];
}

/** The words after `stillpoint` in a line that runs it, up to a comment or the next command. */
function commandLinesOf(page: Page): string[][] {
  return linesOf(page).flatMap((line) => {
    const [, words] = /(?<!--task-queue)[\s/=]stillpoint ([^#|;&]+)/.exec(` ${line}`) ?? [];
    return words === undefined ? [] : [words.trim().split(/\s+/)];
  });
}

const commandLines = pages.flatMap((page) =>
  commandLinesOf(page).map((words) => [page.path, words.join(' '), words] as const),
);
const runs = pages.flatMap((page) =>
  linesOf(page).flatMap((line) =>
    [...line.matchAll(/\bnpm (?:run )?([a-z][a-z:]*)/g)].map(
      ([run, script = '']) => [page.path, run, script] as const,
    ),
  ),
);
const inventories = pages.flatMap((page) =>
  blocksOf(page)
    .filter(({ language, text }) => language === 'yaml' && parseDocument(text).has('vms'))
    .map(({ text }) => [page.path, text] as const),
);

describe('the command line', () => {
  it.each(commandLines)('in %s is understood: stillpoint %s', async (_, _line, words) => {
    const { exitCode, messages } = await runCli([...words, '--json', '--config', '/none.yaml']);

    // Whatever is understood looks for its inventory next, and says that there is none.
    const wanted = words.includes('--help')
      ? { exitCode: 0 }
      : { exitCode: 2, last: { type: 'failed', error: { type: 'InventoryError' } } };
    const last = exitCode === 0 ? undefined : messages().at(-1);
    expect({ exitCode, last }).toMatchObject(wanted);
  });

  it('is found in README.md and in docs/operations.md', () => {
    const paths = new Set(commandLines.map(([path]) => path));

    expect([...paths]).toEqual(expect.arrayContaining(['README.md', 'docs/operations.md']));
  });
});

describe('the npm command', () => {
  /** What npm itself does. */
  const own = ['ci', 'install', 'pack', 'test'];

  it.each(runs)('in %s exists: %s', (_, run, script) => {
    expect(run.startsWith('npm run ') ? Object.keys(scripts) : own).toContain(script);
  });
});

describe('the inventory', () => {
  it.each(inventories)('in %s fits the schema', (path, text) => {
    expect(() => parseInventory(text, path)).not.toThrow();
  });

  it('is found in README.md and in docs/configuration.md', () => {
    const paths = new Set(inventories.map(([path]) => path));

    expect([...paths]).toEqual(expect.arrayContaining(['README.md', 'docs/configuration.md']));
  });
});
