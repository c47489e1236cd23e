import { describe, expect, it } from 'vitest';
import * as activityErrors from '../../activities/errors.ts';
import * as captureErrors from '../../capture/errors.ts';
import * as filesErrors from '../../files/errors.ts';
import * as hostErrors from '../../host/errors.ts';
import * as inventoryErrors from '../../inventory/errors.ts';
import * as qemuErrors from '../../qemu/errors.ts';
import * as repositoryErrors from '../../repository/errors.ts';
import {
  permanent,
  permanentAtTheEnd,
  permanentWhilePlanning,
} from '../../workflows/permanent-errors.ts';

/** The roots of the trees are never thrown. */
const roots = [
  'BackupError',
  'CaptureError',
  'FilesError',
  'HostError',
  'QemuError',
  'RepositoryError',
];
const classes = {
  ...activityErrors,
  ...captureErrors,
  ...filesErrors,
  ...hostErrors,
  ...inventoryErrors,
  ...qemuErrors,
  ...repositoryErrors,
};
const names = Object.keys(classes).filter((name) => !roots.includes(name));

/** What another attempt may mend, or what no workflow meets. A new class has to be put here or among the permanent. */
const mayPass = [
  'AgentCommandError',
  'AgentConnectError',
  'AgentDisconnectedError',
  'AgentTimeoutError',
  'BackupNeededError',
  'DigestError',
  'GuardError',
  'InstantVoidError',
  'InventoryError',
  'LeaseBrokenError',
  'LeaseStuckError',
  'LeftoversError',
  'MutexTimeoutError',
  'NbdError',
  'NotFreedError',
  'QmpBusyError',
  'QmpCommandError',
  'QmpDisconnectedError',
  'QmpTimeoutError',
  'ReceiverError',
  'RepositoryAccessError',
  'RepositoryUnreachableError',
  'TargetUnusableError',
  'TemporalProfileError',
  'ToolError',
];

describe('permanent', () => {
  it('holds each class of error, by its own name, that is not known to pass', () => {
    expect(permanent.toSorted()).toEqual(
      names.filter((name) => !mayPass.includes(name)).toSorted(),
    );
  });

  it('holds a busy QEMU only while planning', () => {
    expect(permanentWhilePlanning).toEqual([...permanent, 'QmpBusyError']);
  });

  it('ends a way that is otherwise only forward by nothing that may pass', () => {
    expect(permanent).toEqual(expect.arrayContaining(permanentAtTheEnd));
  });
});

describe('the classes of errors', () => {
  it('give the name that Temporal records', () => {
    for (const name of names) {
      const { prototype } = classes[name as keyof typeof classes];
      expect(Object.create(prototype)).toMatchObject({ name });
    }
  });
});
