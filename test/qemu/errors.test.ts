import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import * as errors from '../../qemu/errors.ts';

describe('errors', () => {
  it('imports nothing, so that workflow code may import it', async () => {
    const source = await readFile(new URL('../../qemu/errors.ts', import.meta.url), 'utf8');

    expect(source).not.toMatch(/\bimport\b.*from|require\(/);
  });

  it('draws every class in its tree', async () => {
    const source = await readFile(new URL('../../qemu/errors.ts', import.meta.url), 'utf8');
    const drawn = [...source.matchAll(/^ \*\s+[├└]─ (\w+)/gm)].map(([, name]) => name);

    const exported = Object.keys(errors).filter((name) => name !== 'QemuError');
    expect(new Set(drawn)).toEqual(new Set(exported));
  });

  it('names an error after its class', () => {
    expect(new errors.BlockJobError('sp-x-00j', 'No space left on device')).toMatchObject({
      name: 'BlockJobError',
      jobId: 'sp-x-00j',
      message: 'block job sp-x-00j: No space left on device',
    });
  });

  it('keeps the end of what a tool said', () => {
    const stderr = `${'x'.repeat(5_000)}the end\n`;

    const error = new errors.ToolError('qemu-img', 'create: exit code 1', { exitCode: 1, stderr });

    expect(error.stderr).toHaveLength(2_000);
    expect(error.message).toMatch(/^qemu-img: create: exit code 1: x+the end$/);
  });
});
