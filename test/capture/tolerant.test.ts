import { describe, expect, it } from 'vitest';
import { tolerant } from '../../capture/tolerant.ts';
import { QmpCommandError, QmpDisconnectedError, QmpTimeoutError } from '../../qemu/errors.ts';

describe('tolerant', () => {
  it('goes on when QEMU refuses', async () => {
    const refused = new QmpCommandError('job-cancel', { class: 'GenericError', desc: 'no' });

    await expect(tolerant(Promise.reject(refused))).resolves.toBeUndefined();
  });

  for (const error of [new QmpDisconnectedError('gone'), new QmpTimeoutError('late')])
    it(`does not go on after a ${error.name}: the command may have run, or run still`, async () => {
      await expect(tolerant(Promise.reject(error))).rejects.toBe(error);
    });
});
