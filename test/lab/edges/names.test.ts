import { describe, expect, it } from 'vitest';
import { programName, requestIn, stable } from '../../../lab/edges/names.ts';

describe('stable', () => {
  const cases = [
    {
      title: 'leaves a backup’s id out',
      name: '20261124T020501Z-3fa9.partial',
      same: 'ID.partial',
    },
    {
      title: 'leaves a random name out',
      name: 'lock.json.c1469ccb-bf88-4431-88d3-97fbdc6d67f3.tmp',
      same: 'lock.json.UUID.tmp',
    },
    { title: 'leaves a digest out', name: 'token-0123456789abcdef', same: 'token-HASH' },
    { title: 'leaves a process id out', name: 'guard-12345', same: 'guard-N' },
    { title: 'keeps the number of a disk', name: '00t.sock', same: '00t.sock' },
  ];
  for (const { title, name, same } of cases)
    it(`it ${title}`, () => expect(stable(name)).toBe(same));
});

describe('requestIn', () => {
  const cases = [
    { title: 'names a QMP command', data: '{"execute":"stop","id":"1"}\n', asked: 'stop' },
    { title: 'names one out of band', data: '{"exec-oob":"yank"}\n', asked: 'yank' },
    {
      title: 'names a sync and the thaw that is sent with it',
      data: '\xFF{"execute":"guest-sync-delimited"}\n{"execute":"guest-fsfreeze-thaw"}\n',
      asked: 'guest-sync-delimited guest-fsfreeze-thaw',
    },
    { title: 'names what a guard is asked', data: '{"id":1,"ask":"taken"}\n', asked: 'taken' },
    { title: 'calls bytes that ask for nothing so', data: 'NBD', asked: 'bytes' },
  ];
  for (const { title, data, asked } of cases)
    it(`it ${title}`, () => expect(requestIn(data)).toBe(asked));
});

describe('programName', () => {
  it('has the program and its first words, and no option', () => {
    const args = ['create', '-f', 'qcow2', '/srv/backups/20261124T020501Z-3fa9.partial/vd0.qcow2'];
    expect(programName('/usr/bin/qemu-img', args)).toBe('qemu-img create qcow2 vd0.qcow2');
  });
});
