import { describe, expect, it } from 'vitest';
import type { Message } from '../../client/output.ts';
import { sentence } from '../../client/sentence.ts';

const running = {
  type: 'status',
  vm: 'web1',
  operation: 'backup',
  workflowId: 'backup/web1',
  runId: 'r',
  state: 'running',
  startedAt: '2026-11-24T02:05:01.000Z',
} as const;

describe('sentence', () => {
  const said: { message: Message; text: string }[] = [
    {
      message: { type: 'started', vm: 'web1', workflowId: 'backup/web1', runId: 'r' },
      text: 'web1: backup started (workflow backup/web1)',
    },
    { message: { type: 'phase', vm: 'web1', phase: 'freezing' }, text: 'web1: freezing the guest' },
    {
      message: {
        type: 'progress',
        vm: 'web1',
        step: 'copying',
        doneBytes: 512 * 1024 ** 2,
        totalBytes: 1024 ** 3,
        percent: 50,
      },
      text: 'web1: copying 50 % of 1.0 GiB',
    },
    {
      message: {
        type: 'progress',
        vm: 'web1',
        step: 'converting',
        device: 'vd0',
        doneBytes: 0,
        totalBytes: 150,
        percent: 0,
      },
      text: 'web1: converting vd0 0 % of 150 B',
    },
    {
      message: { type: 'waiting', vm: 'web1', taskQueue: 'stillpoint', pollers: 0 },
      text: 'web1: no worker polls the task queue stillpoint, so the backup waits. Start one there: stillpoint worker',
    },
    {
      message: { type: 'waiting', vm: 'web1', taskQueue: 'stillpoint-host-hv1', pollers: 1 },
      text: 'web1: waiting for a worker on the task queue stillpoint-host-hv1. 1 polled it lately: is it busy, or was it just stopped?',
    },
    {
      message: {
        type: 'retrying',
        vm: 'web1',
        activity: 'planBackup',
        attempt: 2,
        error: { type: 'RepositoryUnreachableError', message: 'no answer' },
      },
      text: 'web1: planBackup failed (RepositoryUnreachableError: no answer) and is tried again, attempt 2',
    },
    {
      message: { type: 'broken', vm: 'web1', file: '/r/web1/x', problem: '/r/web1/x: missing' },
      text: 'web1: not a usable backup: /r/web1/x: missing',
    },
    {
      message: running,
      text: 'web1: waiting for a worker on the task queue stillpoint, started 2026-11-24T02:05:01.000Z',
    },
    {
      message: {
        ...running,
        phase: 'copying',
        kind: 'full',
        backupId: '20261124T020501Z-3fa9',
        progress: { doneBytes: 1, totalBytes: 2048, percent: 42 },
        step: { activity: 'watchCopy', state: 'running', attempt: 1 },
      },
      text: 'web1: copying, 42 % of 2.0 KiB, full backup 20261124T020501Z-3fa9, started 2026-11-24T02:05:01.000Z',
    },
    {
      message: {
        ...running,
        phase: 'rolling-back',
        step: {
          activity: 'rollbackBackup',
          state: 'waiting',
          attempt: 3,
          taskQueue: 'stillpoint-host-hv1',
          lastFailure: { type: 'QmpTimeoutError', message: 'no answer' },
        },
      },
      text: 'web1: undoing it, started 2026-11-24T02:05:01.000Z, waiting for a worker on stillpoint-host-hv1, attempt 3, the last one failed: no answer',
    },
    {
      message: {
        ...running,
        state: 'failed',
        closedAt: '2026-11-24T02:06:00.000Z',
        failure: { type: 'TargetStalledError', message: 'vd0 made no progress for 60 s' },
      },
      text: 'web1: nothing runs; the last backup, started 2026-11-24T02:05:01.000Z, failed 2026-11-24T02:06:00.000Z: vd0 made no progress for 60 s (TargetStalledError)',
    },
    {
      message: {
        ...running,
        operation: 'export',
        phase: 'serving',
        kind: 'incremental',
        backupId: '20261124T020501Z-3fa9',
        frozenMs: 58.4,
        pausedMs: 3.2,
        servedUntil: '2026-11-25T02:05:02.000Z',
        served: [
          {
            device: 'vd0',
            kind: 'incremental',
            reason: 'changes-since-parent',
            parent: '20261123T020501Z-11aa',
            virtualBytes: 1024,
            uri: 'nbd+unix:///vd0?socket=/x',
            context: 'qemu:dirty-bitmap:c',
          },
        ],
      },
      text: [
        'web1: its disks can be read, until 2026-11-25T02:05:02.000Z, incremental export 20261124T020501Z-3fa9, frozen 58 ms, paused 3 ms, started 2026-11-24T02:05:01.000Z',
        '  vd0: nbd+unix:///vd0?socket=/x',
        '    changed since 20261123T020501Z-11aa: qemu:dirty-bitmap:c',
      ].join('\n'),
    },
    {
      message: {
        ...running,
        operation: 'export',
        state: 'completed',
        closedAt: '2026-11-24T02:06:00.000Z',
        outcome: 'discarded',
        frozenMs: 58.4,
        pausedMs: 3.2,
      },
      text: 'web1: nothing runs; the last export, started 2026-11-24T02:05:01.000Z, completed 2026-11-24T02:06:00.000Z as discarded, frozen 58 ms, paused 3 ms',
    },
    {
      message: {
        type: 'check',
        vm: 'web1',
        check: 'qmp',
        state: 'problem',
        message: 'gone',
        advice: 'Start it.',
      },
      text: 'problem  web1: qmp: gone\n         Start it.',
    },
    {
      message: { type: 'check', check: 'qemu-img', state: 'ok', message: 'version 7.2.22' },
      text: 'ok       qemu-img: version 7.2.22',
    },
    {
      message: {
        type: 'restored',
        vm: 'web1',
        device: 'vd0',
        file: '/x/vd0.raw',
        alreadyThere: false,
      },
      text: 'web1: vd0 restored to /x/vd0.raw',
    },
    {
      message: {
        type: 'restored',
        vm: 'web1',
        device: 'vd0',
        file: '/x/vd0.raw',
        alreadyThere: true,
      },
      text: 'web1: vd0 is already restored, byte for byte: /x/vd0.raw',
    },
    {
      message: {
        type: 'finished',
        vm: 'web1',
        backupId: '20261124T020501Z-3fa9',
        kind: 'incremental',
        parent: '20261123T020501Z-11aa',
        consistency: 'filesystem',
        frozenMs: 58.4,
        pausedMs: 3.2,
        frozen: { filesystems: 1, asked: ['/data'], known: ['/', '/data'] },
        warnings: ['the scratch is small'],
        disks: [
          {
            device: 'vd0',
            kind: 'incremental',
            reason: 'changes-since-parent',
            bytes: 1_572_864,
            file: '/srv/backups/web1/20261124T020501Z-3fa9/vd0.qcow2',
          },
        ],
      },
      text: [
        'web1: incremental backup 20261124T020501Z-3fa9 is complete: filesystem-consistent, frozen 58 ms (1 file system of /data), paused 3 ms',
        '  vd0: incremental (changes-since-parent), 1.5 MiB, /srv/backups/web1/20261124T020501Z-3fa9/vd0.qcow2',
        '  warning: the scratch is small',
      ].join('\n'),
    },
    {
      message: { type: 'finished', vm: 'web1', workflowId: 'backup/web1', detached: true },
      text: 'web1: the backup runs on its own. Follow it: stillpoint status web1',
    },
    {
      message: {
        type: 'finished',
        vm: 'web1',
        workflowId: 'backup/web1',
        cancelling: true,
        abandoned: false,
      },
      text: 'web1: asked to stop. It undoes what it did; follow it: stillpoint status web1',
    },
    {
      message: {
        type: 'finished',
        vm: 'web1',
        workflowId: 'backup/web1',
        cancelling: true,
        abandoned: true,
      },
      text: "web1: asked to stop without waiting for its host. The host's worker undoes what is left when it is back.",
    },
    {
      message: {
        type: 'finished',
        vm: 'web1',
        backupId: '20261124T020501Z-3fa9',
        format: 'raw',
        restored: [],
      },
      text: 'web1: 20261124T020501Z-3fa9 is restored, and depends on nothing in the repository',
    },
    {
      message: {
        type: 'finished',
        vm: 'web1',
        snapshotId: '20261124T020501Z-3fa9',
        consistency: 'filesystem',
        frozenMs: 41.5,
        warnings: ['late'],
        disks: [{ device: 'vd0', base: '/a.qcow2', overlay: '/a.1.qcow2' }],
      },
      text: [
        'web1: snapshot 20261124T020501Z-3fa9 is taken: filesystem-consistent, frozen 42 ms',
        '  vd0: /a.qcow2, from now on /a.1.qcow2',
        '  warning: late',
      ].join('\n'),
    },
    { message: { type: 'finished', backups: 0 }, text: 'No backups yet.' },
    { message: { type: 'finished', backups: 2 }, text: '' },
    { message: { type: 'finished', running: 0 }, text: 'Nothing runs.' },
    { message: { type: 'finished', problems: 0, warnings: 0 }, text: 'Nothing to mend.' },
    {
      message: { type: 'finished', problems: 0, warnings: 2 },
      text: 'Nothing that must be mended; warnings: 2.',
    },
    {
      message: { type: 'failed', error: { type: 'UsageError', message: 'what?' } },
      text: 'stillpoint: what?',
    },
  ];
  const named = said.map(({ message, text }) => [message.type, text, message] as const);
  it.each(named)('of a message "%s" is "%s"', (_, text, message) => {
    expect(sentence(message)).toBe(text);
  });
});
