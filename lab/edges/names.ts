import { basename } from 'node:path';

/** What differs from run to run though the effect is the same: ids, process ids, random names. */
const passing: readonly (readonly [RegExp, string])[] = [
  [/\d{8}T\d{6}Z-[0-9a-f]{4}/g, 'ID'],
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID'],
  [/[0-9a-f]{16,}/g, 'HASH'],
  [/\d{3,}/g, 'N'],
];

/** A name that stays the same from run to run. */
export function stable(name: string): string {
  return passing.reduce((text, [pattern, word]) => text.replace(pattern, word), name);
}

/** What lines for QEMU, the agent or the guard ask for, such as `stop`; `bytes` for what asks for nothing. */
export function requestIn(data: unknown): string {
  const text = typeof data === 'string' ? data : '';
  const asked = [...text.matchAll(/"(?:execute|exec-oob|ask)": ?"([\w-]+)"/g)].map(
    ([, name]) => name,
  );
  return asked.length === 0 ? 'bytes' : asked.join(' ');
}

/** A program and the first words of its arguments: what they are about stands in paths that differ. */
export function programName(file: string, args: readonly string[]): string {
  const words = args.filter((word) => !word.startsWith('-') && !word.includes('{'));
  return stable([file, ...words.slice(0, 3)].map((word) => basename(word)).join(' '));
}
