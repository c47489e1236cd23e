import { expect, it } from 'vitest';
import { commands } from '../../../qemu/qmp/commands.ts';
import { oldCommands } from '../../../qemu/qmp/old-commands.ts';
import { RealQemu } from './start-qemu.ts';
import { TableCheck } from './table-check.ts';

/**
 * Below 5.0 the table of commands has much that QEMU lacks, and the dialect has a table of its own for what is sent in its
 * place. What a QEMU does not know of both is in a file of its version: `--update` writes it anew, read the difference.
 */
it('an old QEMU lacks of the tables what is written down, and the dialect knows which commands', async (context) => {
  await using qemu = await RealQemu.start();
  await using client = await qemu.connect();
  const { major, minor } = client.version;
  context.skip(major >= 5, `QEMU ${major}.${minor} is spoken to as it is`);
  const check = new TableCheck(await client.execute('query-qmp-schema', {}));
  const wanted = Object.entries(commands).map(([name, { args }]) => [name, args] as const);
  const lacking = (table: readonly (readonly [string, Parameters<TableCheck['faults']>[1]])[]) => ({
    commands: table.flatMap(([name]) => (check.knows(name) ? [] : [name])),
    arguments: [
      ...new Set(
        table.flatMap(([name, args]) => (check.knows(name) ? check.faults(name, args) : [])),
      ),
    ],
  });

  const found = {
    table: lacking(wanted),
    dialect: lacking(Object.entries(oldCommands)),
    // In no spelling at all.
    lacks: wanted.flatMap(([name]) => (client.lacks(name as keyof typeof commands) ? [name] : [])),
  };

  await expect(`${JSON.stringify(found, undefined, 2)}\n`).toMatchFileSnapshot(
    `lacks/${major}.${minor}.json`,
  );
});
