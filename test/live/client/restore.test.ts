import { mkdir, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { Message } from '../../../client/output.ts';
import { restoreBackup } from '../../../client/restore/restore-backup.ts';
import { RemoteRepository } from '../../../repository/remote.ts';
import { runCli, type CliRun } from '../../client/run-cli.ts';
import { writtenInventory, type WrittenInventory } from '../../client/written-inventory.ts';
import { publishChain, publishedDisk, type PublishedChain } from './chain.ts';

const entry = fileURLToPath(new URL('../../../dist/repository/child.js', import.meta.url));
const openRepository = (folder: string) => new RemoteRepository(folder, { entry });

type Scene = WrittenInventory & { chain: PublishedChain; to: string };

/** An inventory, a repository with two backups, and a folder name to restore to. */
async function scene(): Promise<Scene> {
  const inventory = await writtenInventory();
  const chain = await publishChain(inventory.repository, inventory.folder);
  return Object.assign(inventory, { chain, to: join(inventory.folder, 'restored') });
}

async function restore({ file, to }: Scene, ...argv: string[]): Promise<CliRun> {
  const all = ['restore', 'web1', ...argv, '--to', to, '--json', '--config', file];
  return runCli(all, { openRepository });
}

/** Whether an image reads like a raw copy and is as long, as plain qemu-img says. */
async function same(file: string, format: string, raw: string): Promise<boolean> {
  const info = await execa('qemu-img', ['info', '--output=json', '-f', format, file]);
  const { size } = await stat(raw);
  const args = ['compare', '-f', format, '-F', 'raw', file, raw];
  const { exitCode } = await execa('qemu-img', args, { reject: false });
  return exitCode === 0 && info.stdout.includes(`"virtual-size": ${size},`);
}

describe('stillpoint restore', () => {
  it('writes the newest backup as flat qcow2 files, byte for byte', async () => {
    await using at = await scene();

    const { exitCode, messages } = await restore(at);

    expect(exitCode).toBe(0);
    expect(messages().at(-1)).toEqual({
      type: 'finished',
      vm: 'web1',
      backupId: at.chain.incremental,
      format: 'qcow2',
      restored: [
        { device: 'vd0', file: join(at.to, 'vd0.qcow2') },
        { device: 'vd1', file: join(at.to, 'vd1.qcow2') },
      ],
    });
    for (const device of ['vd0', 'vd1']) {
      const file = join(at.to, `${device}.qcow2`);
      expect(await same(file, 'qcow2', at.chain.oracle(at.chain.incremental, device))).toBe(true);
      expect((await execa('qemu-img', ['info', file])).stdout).not.toContain('backing file');
    }
    expect(await readdir(at.to)).toEqual(['vd0.qcow2', 'vd1.qcow2']);
  });

  it('writes an older backup as raw files', async () => {
    await using at = await scene();

    const { exitCode } = await restore(at, at.chain.full, '--format', 'raw');

    expect(exitCode).toBe(0);
    for (const device of ['vd0', 'vd1'])
      expect(
        await same(join(at.to, `${device}.raw`), 'raw', at.chain.oracle(at.chain.full, device)),
      ).toBe(true);
  });

  it('stands without the repository afterwards', async () => {
    await using at = await scene();
    await restore(at);

    await rm(at.repository, { recursive: true });

    const oracle = at.chain.oracle(at.chain.incremental, 'vd1');
    expect(await same(join(at.to, 'vd1.qcow2'), 'qcow2', oracle)).toBe(true);
  });

  it('tells how far verifying and converting are', async () => {
    await using at = await scene();

    const { messages } = await restore(at);

    const progress = messages().filter(({ type }) => type === 'progress');
    expect(progress).toContainEqual(expect.objectContaining({ step: 'verifying' }));
    expect(progress).toContainEqual(
      expect.objectContaining({ step: 'converting', device: 'vd1', percent: 100 }),
    );
  });

  it('writes nothing when a file of the chain is not what was published', async () => {
    await using at = await scene();
    const parent = publishedDisk(at.repository, at.chain.full, 'vd1');
    // Data, not metadata: qemu-img itself would not notice.
    await execa('sh', ['-c', `printf x | dd of="${parent}" bs=1 seek=400000 conv=notrunc`]);

    const { exitCode, messages } = await restore(at);

    expect(exitCode).toBe(1);
    expect(messages().at(-1)).toMatchObject({
      type: 'failed',
      error: { type: 'DigestError', message: expect.stringContaining(parent) },
    });
    expect(await readdir(at.to)).toEqual([]);
  });

  it('says that a backup builds on one that is not whole, and restores an older one', async () => {
    await using at = await scene();
    await truncate(publishedDisk(at.repository, at.chain.incremental, 'vd0'), 1000);

    const damaged = await restore(at, at.chain.incremental);
    const older = await restore(at, at.chain.full);

    expect(damaged.exitCode).toBe(1);
    expect(damaged.messages()).toMatchObject([{ error: { type: 'DamagedBackupError' } }]);
    expect(older.exitCode).toBe(0);
  });

  it('keeps what is restored already and writes the rest when it runs again', async () => {
    await using at = await scene();
    await restore(at);
    await rm(join(at.to, 'vd1.qcow2'));
    await writeFile(join(at.to, 'vd1.qcow2.partial'), 'what a killed restore left');

    const { exitCode, messages } = await restore(at);

    expect(exitCode).toBe(0);
    expect(messages().filter(({ type }) => type === 'restored')).toMatchObject([
      { device: 'vd0', alreadyThere: true },
      { device: 'vd1', alreadyThere: false },
    ]);
    expect(await readdir(at.to)).toEqual(['vd0.qcow2', 'vd1.qcow2']);
    const oracle = at.chain.oracle(at.chain.incremental, 'vd1');
    expect(await same(join(at.to, 'vd1.qcow2'), 'qcow2', oracle)).toBe(true);
  });

  it('never writes over a file that holds anything else', async () => {
    await using at = await scene();
    await mkdir(at.to);
    await writeFile(join(at.to, 'vd1.qcow2'), 'precious');

    const { exitCode, messages } = await restore(at);

    expect(exitCode).toBe(1);
    expect(messages().at(-1)).toMatchObject({
      error: {
        type: 'RestoreTargetError',
        message: `${join(at.to, 'vd1.qcow2')} is there already and is not this disk of this backup. It is not written over: move it away, or name another folder with --to.`,
      },
    });
    expect(await readdir(at.to)).toEqual(['vd1.qcow2']);
  });

  it('takes another backup of the same disk for something else', async () => {
    await using at = await scene();
    await restore(at, at.chain.full);

    const { exitCode } = await restore(at, at.chain.incremental);

    expect(exitCode).toBe(1);
    const oracle = at.chain.oracle(at.chain.full, 'vd0');
    expect(await same(join(at.to, 'vd0.qcow2'), 'qcow2', oracle)).toBe(true);
  });

  it('refuses a folder inside the repository, also behind a link', async () => {
    await using at = await scene();
    const link = join(at.folder, 'link');
    await symlink(join(at.repository, 'web1'), link);

    for (const to of [at.repository, join(at.repository, 'new', 'folder'), join(link, 'new')]) {
      const { exitCode, messages } = await restore(Object.assign(at, { to }));

      expect(exitCode).toBe(1);
      expect(messages()).toMatchObject([
        { error: { message: expect.stringContaining('lies inside the repository') } },
      ]);
    }
    expect(await readdir(join(at.repository, 'web1'))).toEqual([
      at.chain.full,
      at.chain.incremental,
    ]);
  });

  it('takes a folder beside the repository whose name begins like it', async () => {
    await using at = await scene();

    const { exitCode } = await restore(Object.assign(at, { to: `${at.repository}-restored` }));

    expect(exitCode).toBe(0);
  });

  it('ends with 2 for a backup that is not there, and names the newest', async () => {
    await using at = await scene();

    const { exitCode, messages } = await restore(at, '20200101T000000Z-abcd');

    expect(exitCode).toBe(2);
    expect(messages()).toEqual([
      {
        type: 'failed',
        error: {
          type: 'BackupNotFoundError',
          message: `web1: there is no backup 20200101T000000Z-abcd. The newest are ${at.chain.full}, ${at.chain.incremental}.`,
        },
      },
    ]);
  });

  it('ends with 2 for a VM that neither the inventory nor the repository knows', async () => {
    await using at = await scene();
    const argv = ['restore', 'web9', '--to', at.to, '--json', '--config', at.file];

    const { exitCode, messages } = await runCli(argv, { openRepository });

    expect(exitCode).toBe(2);
    expect(messages()).toMatchObject([{ error: { type: 'UnknownVmError' } }]);
  });

  it('leaves no unfinished file behind when it is interrupted', async () => {
    await using at = await scene();
    const interrupted = new AbortController();
    const repository = openRepository(at.repository);
    const print = (message: Message) => {
      if (message.type === 'progress' && message.step === 'converting') interrupted.abort();
    };

    const request = { vm: 'web1', backupId: undefined, to: at.to, format: 'raw' } as const;
    const { signal } = interrupted;
    await expect(restoreBackup(repository, request, { print, signal })).rejects.toThrow('aborted');

    repository.close();
    expect(await readdir(at.to)).toEqual([]);
  });

  it('ends with 130 and says how to go on when it is interrupted', async () => {
    await using at = await scene();
    const argv = ['restore', 'web1', '--to', at.to, '--json', '--config', at.file];

    const { exitCode, messages } = await runCli(argv, {
      openRepository,
      interrupted: AbortSignal.abort(),
    });

    expect(exitCode).toBe(130);
    expect(messages()).toMatchObject([
      { error: { type: 'InterruptedError', message: expect.stringContaining('run it again') } },
    ]);
  });
});
