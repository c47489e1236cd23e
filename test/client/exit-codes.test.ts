import { describe, expect, it } from 'vitest';
import {
  BackupFailedError,
  BackupRunningError,
  InterruptedError,
  NoBackupRunningError,
  NothingRunningError,
  PartlyDoneError,
  ProblemsFoundError,
  RestoreTargetError,
  TemporalUnreachableError,
  UsageError,
} from '../../client/errors.ts';
import { errorType, exitCodeOf } from '../../client/exit-codes.ts';
import { InventoryError, TemporalProfileError, UnknownVmError } from '../../inventory/errors.ts';
import { BackupNotFoundError } from '../../repository/errors.ts';

describe('exitCodeOf', () => {
  const codes: [code: number, error: Error][] = [
    [1, new Error('anything')],
    [1, new BackupFailedError('web1', 'BlockJobError', 'no space')],
    [1, new TemporalUnreachableError('no answer')],
    [1, new NoBackupRunningError('web1')],
    [1, new NothingRunningError('web1')],
    [1, new RestoreTargetError('inside')],
    [1, new ProblemsFoundError('two')],
    [2, new UsageError('what?')],
    [2, new InventoryError('f', 'empty')],
    [2, new UnknownVmError('f', 'web9', [])],
    [2, new TemporalProfileError('f', 'no such profile')],
    [2, new BackupNotFoundError('none', { vm: 'web1', backupId: 'x' })],
    [2, new BackupFailedError('web9', 'UnknownVmError', 'no such VM')],
    [2, new BackupFailedError('web1', 'RequestError', 'wrong input')],
    [2, new BackupFailedError('web1', 'WrongVmError', 'the machine is web2')],
    [3, new PartlyDoneError('one of two')],
    [4, new BackupRunningError('web1', 'backup/web1')],
    [4, new BackupFailedError('web1', 'VmBusyError', 'another backup holds the lock')],
    [130, new InterruptedError('goes on')],
  ];
  it.each(codes)('is %i for %s', (code, error) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});

describe('errorType', () => {
  it('names what failed the backup, not that a backup failed', () => {
    expect(errorType(new BackupFailedError('web1', 'BlockJobError', 'no space'))).toBe(
      'BlockJobError',
    );
  });

  it('names the class of any other error', () => {
    expect(errorType(new UsageError('what?'))).toBe('UsageError');
  });
});
