import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromTop, proseOf, readPage, readPages, type Page } from './pages.ts';

const pages = await readPages();

/** Relative links and images: what stands between the parentheses. */
function linksOf(page: Page): string[] {
  const prose = proseOf(page).replaceAll(/`[^`]*`/g, 'code');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link));
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: Page): string[] {
  const headings = [...proseOf(page).matchAll(/^#+ (.+)$/gm)];
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What is wrong with a link, if anything is. */
async function faultOf(page: Page, link: string): Promise<string | undefined> {
  const [file = '', anchor] = link.split('#');
  const target = normalize(join(dirname(page.path), file));
  if (file !== '' && !existsSync(fromTop(target))) return `${link}: there is no ${target}`;
  if (anchor === undefined) return undefined;
  const other = file === '' ? page : await readPage(target);
  return anchorsOf(other).includes(anchor) ? undefined : `${link}: no such heading`;
}

describe('the links of', () => {
  it.each(pages.map((page) => [page.path, page] as const))('%s lead somewhere', async (_, page) => {
    const faults = await Promise.all(linksOf(page).map((link) => faultOf(page, link)));

    expect(faults.filter(Boolean)).toEqual([]);
  });
});

describe('the check of links', () => {
  const page = {
    path: 'docs/page.md',
    text: '# A `b` (c)\n\n[one](../none.md) [two](../README.md#none) [three](#a-b-c) [four](https://temporal.io)\n',
  };

  it('sees what leads nowhere', async () => {
    const faults = await Promise.all(linksOf(page).map((link) => faultOf(page, link)));

    expect(faults.filter(Boolean)).toEqual([
      '../none.md: there is no none.md',
      '../README.md#none: no such heading',
    ]);
  });
});
