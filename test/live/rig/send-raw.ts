import type { Machine } from '../../../lab/machine.ts';
import { connectUnix } from '../../../qemu/qmp/transport.ts';

/**
 * What somebody else sends to a machine: commands that the product never does, over the product's own socket, which is
 * free between two backups. A refusal is an error with QEMU's words.
 */
export async function sendRaw(
  { qmpSocket }: Machine,
  execute: string,
  args: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const transport = await connectUnix(qmpSocket, AbortSignal.timeout(20_000));
  try {
    transport.send(JSON.stringify({ execute: 'qmp_capabilities' }));
    transport.send(JSON.stringify({ execute, arguments: args, id: 'sent' }));
    for await (const line of transport.lines) {
      const { id, return: reply, error } = JSON.parse(line) as Reply;
      if (id !== 'sent') continue;
      if (error) throw new Error(`${execute}: ${error.desc}`);
      return reply;
    }
    throw new Error(`${execute}: the connection ended`);
  } finally {
    transport.close();
  }
}

type Reply = { id?: string; return?: unknown; error?: { desc: string } };
