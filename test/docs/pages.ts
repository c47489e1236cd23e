import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);

/** A written page of the repository. */
export type Page = {
  /** From the top of the repository, as `docs/operations.md`. */
  readonly path: string;
  readonly text: string;
};

/** The absolute path of what lies at `path` from the top of the repository. */
export function fromTop(path: string): string {
  return fileURLToPath(new URL(path, root));
}

export async function readPage(path: string): Promise<Page> {
  return { path, text: await readFile(fromTop(path), 'utf8') };
}

/** The pages for readers: README, CONTRIBUTING and all below docs/. */
export async function readPages(): Promise<Page[]> {
  const docs = await readdir(fromTop('docs'), { recursive: true });
  const paths = docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
  return Promise.all(['README.md', 'CONTRIBUTING.md', ...paths.toSorted()].map(readPage));
}

/** A fenced block of a page, without the indentation of the list that it may stand in. */
export type Block = { readonly language: string; readonly text: string };

export function blocksOf({ text }: Page): Block[] {
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].map(
    ([, indent = '', language = '', body = '']) => ({
      language,
      text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  );
}

/** A page without its fenced blocks. */
export function proseOf({ text }: Page): string {
  return text.replaceAll(/^( *)```[\s\S]*?^ *```$/gm, '');
}
