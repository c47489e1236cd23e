import { describe, expect, it } from 'vitest';
import { connectUnix } from '../../../qemu/qmp/transport.ts';
import { startTopology, topologies } from './topologies.ts';

/** Other versions answer with other details. What each must answer is in the schemas that the client checks it against. */
const recordedFrom = '7.2';

const queries = [
  'query-jobs',
  'query-status',
  'query-block',
  'x-debug-query-block-graph',
  'query-named-block-nodes',
];

/** What QEMU answers, word by word: the client would drop what it does not read. */
async function ask(socket: string): Promise<Record<string, unknown>> {
  const transport = await connectUnix(socket, AbortSignal.timeout(5_000));
  const replies: Record<string, unknown> = {};
  transport.send(JSON.stringify({ execute: 'qmp_capabilities' }));
  for (const execute of queries) {
    const flat = execute === 'query-named-block-nodes' ? { arguments: { flat: true } } : {};
    transport.send(JSON.stringify({ execute, ...flat, id: execute }));
  }
  for await (const line of transport.lines) {
    const { id, return: reply } = JSON.parse(line) as { id?: string; return?: unknown };
    if (id !== undefined) replies[id] = reply;
    if (Object.keys(replies).length === queries.length) break;
  }
  transport.close();
  return replies;
}

/** Without what differs from run to run: folder, automatic names, room taken on the file system, progress. */
function lasting(replies: unknown, folder: string): string {
  const names: string[] = [];
  const nameOf = (automatic: string) => {
    if (!names.includes(automatic)) names.push(automatic);
    return `#block${100 + names.indexOf(automatic)}`;
  };
  return `${JSON.stringify(replies, undefined, 1)
    .replaceAll(folder, '/machine')
    .replaceAll(/#block\d+/g, nameOf)
    .replaceAll(/"actual-size": \d+/g, '"actual-size": 200704')
    .replaceAll(/"(current|total)-progress": \d+/g, '"$1-progress": 67108864')}\n`;
}

/**
 * The unit tests of `capture/` read these files in the place of a QEMU: here they are held against a real one. After a
 * change, `--update` writes them anew.
 */
describe('recorded replies', () => {
  for (const topology of topologies)
    it(`${topology.name}: QEMU answers as recorded`, async (context) => {
      await using machine = await startTopology(topology);
      const { major, minor } = machine.labQmp.version;
      context.skip(
        `${major}.${minor}` !== recordedFrom,
        `the replies were recorded from QEMU ${recordedFrom}, and this is ${major}.${minor}`,
      );
      await topology.arrange?.(machine);

      const replies = await ask(machine.qmpSocket);

      await expect(lasting(replies, machine.folder)).toMatchFileSnapshot(
        `../../capture/recorded/${topology.name}.json`,
      );
    });
});
