import { isAlias, isMap, isScalar, isSeq, type Document, type LineCounter, type Node } from 'yaml';

/** A place in a text, counted from 1. */
export type Position = { readonly line: number; readonly column: number };

/**
 * Where the value at `path` stands in a YAML document; a value that is missing is reported where it is missed: at
 * the nearest thing around it that is there. `key` asks for a map's key instead of its value.
 */
export function locate(
  document: Document.Parsed,
  lines: LineCounter,
  path: readonly PropertyKey[],
  key?: string,
): Position {
  let found: Node | null | undefined = document.contents;
  let at: Node | null | undefined = found;
  for (const step of path) {
    const [stepKey, value] = stepInto(document, at, step);
    found = value?.range ? value : (stepKey ?? found);
    at = value;
  }
  if (key !== undefined) found = stepInto(document, at, key)[0] ?? found;
  const { line, col } = lines.linePos(found?.range?.[0] ?? 0);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** The key's node and the value's node one step down, each if it is there. */
function stepInto(
  document: Document.Parsed,
  from: Node | null | undefined,
  step: PropertyKey,
): [key: Node | undefined, value: Node | undefined] {
  const node = isAlias(from) ? from.resolve(document) : from;
  if (isSeq<Node>(node)) return [undefined, node.items[Number(step)]];
  if (!isMap<Node, Node>(node)) return [undefined, undefined];
  const pair = node.items.find(
    (item) => isScalar(item.key) && String(item.key.value) === String(step),
  );
  return [pair?.key, pair?.value ?? undefined];
}
