import { describe, expect, it } from 'vitest';
import { NoSpaceError } from '../../repository/errors.ts';
import { openRepository } from '../../repository/mark.ts';
import { checkSpace, freeBytes } from '../../repository/space.ts';
import { temporaryRepository } from './sample.ts';

describe('checkSpace', () => {
  it('is content when enough is free', async () => {
    await using repository = await temporaryRepository();
    await openRepository(repository.folder, { create: true });

    await expect(checkSpace(repository.folder, 1)).resolves.toBeUndefined();
  });

  it('says how much is free and how much is needed', async () => {
    await using repository = await temporaryRepository();
    await openRepository(repository.folder, { create: true });
    const neededBytes = (await freeBytes(repository.folder)) * 2 + 1;

    const checked = checkSpace(repository.folder, neededBytes);

    await expect(checked).rejects.toThrow(NoSpaceError);
    await expect(checked).rejects.toThrow(String(neededBytes));
    await expect(checked).rejects.toMatchObject({ facts: { neededBytes } });
  });
});
