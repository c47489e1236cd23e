import { describe, expect, it } from 'vitest';
import { runCli } from './run-cli.ts';
import { writtenInventory } from './written-inventory.ts';

describe('run', () => {
  it('prints help on stdout and ends with 0', async () => {
    const { exitCode, stdout, stderr } = await runCli(['--help']);

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const command of ['worker', 'backup', 'backups', 'status', 'cancel', 'restore', 'doctor'])
      expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  });

  const misuses = [
    { argv: [], says: 'No command was given.' },
    { argv: ['bakup'], says: "unknown command 'bakup' (Did you mean backup?)." },
    { argv: ['backup'], says: "missing required argument 'vm'." },
    { argv: ['backup', 'web1', 'web2'], says: 'too many arguments' },
    { argv: ['backup', 'web1', '--knid', 'full'], says: "unknown option '--knid'" },
    {
      argv: ['backup', 'web1', '--kind', 'big'],
      says: "option '--kind <kind>' argument 'big' is invalid. Allowed choices are auto, full, incremental, differential. See",
    },
    { argv: ['backup', '../etc'], says: '"../etc" is no VM\'s name: a VM name is 1 to 63 letters' },
    {
      argv: ['backup', 'web1', '--since', 'yesterday'],
      says: '--since yesterday: a backup id looks like 20261124T020501Z-3fa9.',
    },
    {
      argv: ['backup', 'web1', '--kind', 'full', '--since', '20261124T020501Z-3fa9'],
      says: '--since goes with --kind differential, not with full: leave one of them out.',
    },
    { argv: ['restore', 'web1'], says: "required option '--to <dir>' not specified." },
    {
      argv: ['restore', 'web1', 'latest', '--to', '/tmp/x'],
      says: 'latest: a backup id looks like 20261124T020501Z-3fa9.',
    },
    {
      argv: ['restore', 'web1', '--to', '/tmp/x', '--format', 'vmdk'],
      says: 'Allowed choices are qcow2, raw.',
    },
    {
      argv: ['worker', '--role', 'king'],
      says: '--role king: a role is control, host, or both: --role control,host',
    },
  ];
  const told = misuses.map(({ argv, says }) => [argv.join(' '), argv, says] as const);
  it.each(told)('ends with 2 after "stillpoint %s" and says why', async (_, argv, says) => {
    const { exitCode, stdout, stderr } = await runCli(argv);

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(says);
  });

  it('prints no help on stderr under --json when no command is given', async () => {
    const { exitCode, stderr, messages } = await runCli(['--json']);

    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: '' });
    expect(messages()).toMatchObject([{ type: 'failed', error: { type: 'UsageError' } }]);
  });

  it('tells a misuse as the last JSON line under --json, and nothing else', async () => {
    const { exitCode, stderr, messages } = await runCli(['backup', '--json']);

    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: '' });
    expect(messages()).toEqual([
      {
        type: 'failed',
        error: {
          type: 'UsageError',
          message: "missing required argument 'vm'. See `stillpoint --help`.",
        },
      },
    ]);
  });

  it('ends with 2 when the inventory is not there', async () => {
    const { exitCode, messages } = await runCli(['status', '--json', '--config', '/none.yaml']);

    expect(exitCode).toBe(2);
    expect(messages()).toEqual([
      {
        type: 'failed',
        error: {
          type: 'InventoryError',
          message:
            '/none.yaml: there is no such file. Name your inventory with --config, or write one (docs/configuration.md).',
        },
      },
    ]);
  });

  it('ends with 2 when the inventory has no such VM, without asking Temporal', async () => {
    await using inventory = await writtenInventory();

    const { exitCode, messages } = await runCli([
      'backup',
      'web9',
      '--json',
      '--config',
      inventory.file,
    ]);

    expect(exitCode).toBe(2);
    expect(messages()).toMatchObject([{ error: { type: 'UnknownVmError' } }]);
  });

  it('says where Temporal was sought when nobody answers there, and what to do', async () => {
    await using inventory = await writtenInventory();

    const { exitCode, stderr } = await runCli(['backup', 'web1', '--config', inventory.file], {
      environment: { TEMPORAL_ADDRESS: '127.0.0.1:1' },
    });

    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      'stillpoint: Temporal does not answer at 127.0.0.1:1. Is the server running there? For one on this machine: `temporal server start-dev --db-filename temporal.db`. Its address is `temporal.address` in the inventory, or TEMPORAL_ADDRESS.\n',
    );
  });

  it('takes --config and --json before the command too', async () => {
    const { exitCode, messages } = await runCli(['--json', '--config', '/none.yaml', 'backups']);

    expect(exitCode).toBe(2);
    expect(messages()).toMatchObject([{ error: { type: 'InventoryError' } }]);
  });
});
