import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { configurationPage } from '../../docs/configuration-page.ts';

const page = fileURLToPath(new URL('../../docs/configuration.md', import.meta.url));

it('docs/configuration.md says what the schemas say (npm run docs writes it)', async () => {
  await expect(configurationPage()).toMatchFileSnapshot(page);
});
