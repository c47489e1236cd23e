import { describe, expect, it } from 'vitest';
import { BackupRequest } from '../../model/request.ts';
import { monday } from './segment-names.ts';

describe('BackupRequest', () => {
  it('needs a VM and nothing else', () => {
    expect(BackupRequest.parse({ vm: 'web1' })).toEqual({ vm: 'web1', kind: 'auto' });
  });

  it('keeps all that is asked for', () => {
    const request = {
      vm: 'web1',
      kind: 'differential',
      since: monday,
      quiesce: 'required',
      shield: 'none',
    };

    expect(BackupRequest.parse(request)).toEqual(request);
  });

  const refused = [
    { title: 'no VM', input: {} },
    { title: 'a path in the place of a VM', input: { vm: '/srv/backups/web1' } },
    { title: 'a VM that leads out of the repository', input: { vm: '../web1' } },
    { title: 'a VM that is the folder itself', input: { vm: '.' } },
    { title: 'a path in the place of a backup', input: { vm: 'web1', since: `../web2/${monday}` } },
    { title: 'a socket', input: { vm: 'web1', qmp: '/run/qmp.sock' } },
    { title: 'a repository', input: { vm: 'web1', repository: '/tmp' } },
    { title: 'a kind that nobody knows', input: { vm: 'web1', kind: 'snapshot' } },
    { title: 'a name alone', input: 'web1' },
  ];
  for (const { title, input } of refused)
    it(`refuses ${title}`, () => expect(BackupRequest.safeParse(input).success).toBe(false));
});
