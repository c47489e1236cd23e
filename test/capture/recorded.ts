import { readFileSync } from 'node:fs';
import type { QmpClient } from '../../qemu/qmp/client.ts';
import { AnsweringQemu } from './answering-qemu.ts';

type Replies = Record<
  | 'query-jobs'
  | 'query-status'
  | 'query-block'
  | 'x-debug-query-block-graph'
  | 'query-named-block-nodes',
  unknown
>;

/** A client of a QEMU that answers what a real one did; `types` are those of its devices, by their paths. */
export async function openRecorded(
  topology: string,
  types: Readonly<Record<string, string>> = {},
): Promise<QmpClient> {
  const file = new URL(`recorded/${topology}.json`, import.meta.url);
  const replies = JSON.parse(readFileSync(file, 'utf8')) as Replies;
  return new AnsweringQemu({
    'query-jobs': () => replies['query-jobs'],
    'query-status': () => replies['query-status'],
    'query-block': () => replies['query-block'],
    'x-debug-query-block-graph': () => replies['x-debug-query-block-graph'],
    'query-named-block-nodes': () => replies['query-named-block-nodes'],
    'qom-get': ({ path }) => types[path],
  }).open();
}
