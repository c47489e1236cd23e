import { z } from 'zod';

/** `10GiB`, `512 MiB` or a number of bytes. */
export const Bytes = z.union([z.int().min(0), z.string()]).transform((value, context) => {
  if (typeof value === 'number') return value;
  const [, digits, unit] = /^(\d+)\s*(B|KiB|MiB|GiB|TiB)?$/.exec(value) ?? [];
  if (!digits) {
    context.addIssue({ code: 'custom', message: 'a size looks like 10GiB, 512MiB or 1048576' });
    return z.NEVER;
  }
  const bytes = Number(digits) * 1024 ** ['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit ?? 'B');
  if (Number.isSafeInteger(bytes)) return bytes;
  context.addIssue({ code: 'custom', message: 'a size is 8191 TiB at most' });
  return z.NEVER;
});
