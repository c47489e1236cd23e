import { LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { Inventory } from '../model/inventory.ts';
import { InventoryError } from './errors.ts';
import { locate, type Position } from './locate.ts';

/** One thing that is wrong with an inventory: where, and what, in words. */
type Mistake = Position & { readonly text: string };

/**
 * Reads an inventory from its text. `file` is only a name for messages.
 * Throws `InventoryError`, which tells all mistakes at once, each with file, line and column.
 */
export function parseInventory(text: string, file: string): Inventory {
  const lines = new LineCounter();
  // A VM may be called 007: with `stringKeys` YAML does not make a number of it.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
  });
  const unreadable = [...document.errors, ...document.warnings].map((problem) => ({
    ...toPosition(lines, problem.pos[0]),
    text: `✖ ${problem.code === 'MULTIPLE_DOCS' ? 'One document only: remove this line' : problem.message}`,
  }));
  if (unreadable.length > 0) throw new InventoryError(file, ...told(file, unreadable));
  if (document.contents === null)
    throw new InventoryError(
      file,
      `${file}: the inventory is empty. It needs a \`repository\` and \`vms\`, see docs/configuration.md.`,
      { line: 1, column: 1 },
    );

  const parsed = Inventory.safeParse(plain(document, file));
  if (!parsed.success)
    throw new InventoryError(file, ...told(file, mistakesOf(parsed.error, document, lines)));
  const shared = sharedSockets(parsed.data, document, lines);
  if (shared.length > 0) throw new InventoryError(file, ...told(file, shared));
  return parsed.data;
}

/** Aliases that unfold into more than a file could hold are refused by `toJS` with a `ReferenceError`. */
function plain(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 10_000 });
  } catch (cause) {
    throw new InventoryError(
      file,
      `${file}: the aliases (*name) of this file unfold into too much. Write the values out.`,
      { cause },
    );
  }
}

function mistakesOf(error: z.ZodError, document: Document.Parsed, lines: LineCounter): Mistake[] {
  return error.issues.flatMap((issue): Mistake[] => {
    const { path } = issue;
    const one = (message: string, at: Position): Mistake => ({
      ...at,
      text: z.prettifyError({ issues: [{ path, message }] }),
    });
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) =>
        one(`Unrecognized key: "${key}"`, locate(document, lines, path, key)),
      );
    if (issue.code === 'invalid_key') {
      const at = locate(document, lines, path.slice(0, -1), String(path.at(-1)));
      return issue.issues.map(({ message }) => one(message, at));
    }
    const messages =
      issue.code === 'invalid_union'
        ? issue.errors.flat().map(({ message }) => message)
        : [issue.message];
    return [one([...new Set(messages)].join(', or '), locate(document, lines, path))];
  });
}

/** QEMU serves one client on each socket, and one guest under two names would be two backups that undo each other. */
function sharedSockets(
  inventory: Inventory,
  document: Document.Parsed,
  lines: LineCounter,
): Mistake[] {
  const owners = new Map<string, string>();
  return Object.entries(inventory.vms).flatMap(([vm, { host, qmp, agent }]) =>
    Object.entries({ qmp, agent }).flatMap(([setting, socket]): Mistake[] => {
      if (socket === undefined) return [];
      const name = `${host ?? inventory.host ?? ''}:${socket}`;
      const owner = owners.get(name);
      owners.set(name, owner ?? `vms.${vm}.${setting}`);
      if (owner === undefined) return [];
      const path = ['vms', vm, setting];
      const message = `is the same socket as ${owner}, and each serves one client`;
      return [
        {
          ...locate(document, lines, path),
          text: z.prettifyError({ issues: [{ path, message }] }),
        },
      ];
    }),
  );
}

function toPosition(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

/** The message and where the first mistake is. */
function told(
  file: string,
  mistakes: readonly Mistake[],
): [message: string, at: Partial<Position>] {
  const inOrder = mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const count = inOrder.length === 1 ? 'a mistake' : `${inOrder.length} mistakes`;
  const list = inOrder.map(({ line, column, text }) => `${file}:${line}:${column}\n${text}`);
  const first = inOrder[0];
  return [
    `${file}: the inventory has ${count}\n${list.join('\n')}`,
    first ? { line: first.line, column: first.column } : {},
  ];
}
