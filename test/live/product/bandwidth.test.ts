import { expect, it } from 'vitest';
import { StillpointClient } from '../../../client/stillpoint-client.ts';
import { Product } from '../../../lab/product.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { runCli } from '../../client/run-cli.ts';
import { eventually } from '../../host/eventually.ts';

const MiB = 1024 ** 2;

it('an operator lets a backup that was told to be slow go on as fast as it can', async () => {
  await using machine = await startQemu();
  await machine.device(machine.disk()).write(1, { offset: 0, bytes: 32 * MiB });
  await using product = await Product.start({ vms: { web1: { qmp: machine.qmpSocket } } });
  const connection = { address: product.temporal.address };
  await using client = await StillpointClient.connect({ connection, namespace: 'default' });
  const cli = async (...argv: string[]) => runCli([...argv, '--json', '--config', product.config]);

  const early = await cli('bandwidth', 'web1', '0');
  // At this speed it would go on for far longer than this test may.
  const backup = cli('backup', 'web1', '--max-bytes-per-second', '64KiB');
  await eventually(async () => (await client.getStatus('web1'))?.phase === 'copying');
  const wrong = await cli('bandwidth', 'web1', 'fast');
  const faster = await cli('bandwidth', 'web1', '0');
  const { exitCode, messages } = await backup;

  expect(early.exitCode).toBe(1);
  expect(early.stdout).toContain('NoBackupRunningError');
  expect(wrong.exitCode).toBe(2);
  expect(faster.exitCode).toBe(0);
  expect(faster.messages().at(-1)).toMatchObject({ type: 'finished', bytesPerSecond: 0 });
  expect(exitCode).toBe(0);
  expect(messages().at(-1)).toMatchObject({ kind: 'full' });
});
