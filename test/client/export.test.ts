import { describe, expect, it } from 'vitest';
import { recordCheckpoint } from '../../repository/checkpoint.ts';
import { instant, monday, origin, planOf, publishedBackup, tuesday } from '../repository/sample.ts';
import { repositoryHere } from './repository-here.ts';
import { runCli } from './run-cli.ts';
import { writtenInventory } from './written-inventory.ts';

const openRepository = repositoryHere;

/** A repository with a backup and a checkpoint, and a way to run commands over it. */
async function withCheckpoint() {
  const inventory = await writtenInventory();
  await publishedBackup(inventory.repository, planOf(monday));
  await recordCheckpoint(inventory.repository, planOf(tuesday), instant, origin, 32);
  return {
    cli: async (...argv: string[]) =>
      runCli([...argv, '--config', inventory.file], { openRepository }),
    [Symbol.asyncDispose]: async () => inventory[Symbol.asyncDispose](),
  };
}

describe('stillpoint export-forget', () => {
  it('forgets a checkpoint, which was listed beside the backups', async () => {
    await using made = await withCheckpoint();
    const before = await made.cli('backups', '--json');

    const { exitCode, messages } = await made.cli('export-forget', 'web1', tuesday, '--json');

    expect(before.messages()[1]).toEqual({
      type: 'checkpoint',
      vm: 'web1',
      backupId: tuesday,
      kind: 'full',
      parent: null,
      takenAt: instant.takenAt,
      consistency: 'filesystem',
      devices: ['vd0', 'vd1'],
    });
    expect(before.messages().at(-1)).toEqual({ type: 'finished', backups: 1 });
    expect({ exitCode, last: messages().at(-1) }).toEqual({
      exitCode: 0,
      last: { type: 'finished', vm: 'web1', forgotten: tuesday },
    });
    const { stdout } = await made.cli('backups');
    expect(stdout).not.toContain(tuesday);
  });

  it('forgets no backup', async () => {
    await using made = await withCheckpoint();

    const { exitCode, stderr } = await made.cli('export-forget', 'web1', monday);

    expect(exitCode).toBe(2);
    expect(stderr).toContain('no such checkpoint');
  });
});

describe('stillpoint export', () => {
  const mistakes = [
    { argv: ['export', '../web1'], says: "is no VM's name" },
    { argv: ['export', 'web1', '--since', 'yesterday'], says: 'id looks like' },
    { argv: ['export', 'db1'], says: 'db1' },
    { argv: ['export-complete', 'db1'], says: 'db1' },
    { argv: ['export-forget', 'web1', '../x'], says: 'id looks like' },
  ];
  for (const { argv, says } of mistakes)
    it(`ends with 2 for ${argv.join(' ')}`, async () => {
      await using made = await withCheckpoint();

      const { exitCode, stderr } = await made.cli(...argv);

      expect(exitCode).toBe(2);
      expect(stderr).toContain(says);
    });
});
