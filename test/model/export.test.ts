import { describe, expect, it } from 'vitest';
import { ExportRequest } from '../../model/export.ts';
import { Inventory } from '../../model/inventory.ts';
import { monday } from './segment-names.ts';

describe('ExportRequest', () => {
  it('needs a VM and nothing else', () => {
    expect(ExportRequest.parse({ vm: 'web1' })).toEqual({ vm: 'web1', kind: 'auto' });
  });

  const refused = [
    { title: 'no VM', input: {} },
    { title: 'a VM that leads out of the repository', input: { vm: '../web1' } },
    { title: 'a socket', input: { vm: 'web1', socket: '/run/nbd.sock' } },
    { title: 'an address', input: { vm: 'web1', listen: '0.0.0.0:10809' } },
    { title: 'a start of what is full', input: { vm: 'web1', kind: 'full', since: monday } },
    { title: 'a shield', input: { vm: 'web1', shield: 'none' } },
  ];
  for (const { title, input } of refused)
    it(`refuses ${title}`, () => expect(ExportRequest.safeParse(input).success).toBe(false));
});

describe('exports in the inventory', () => {
  const parsed = (exports: unknown) =>
    Inventory.safeParse({ repository: '/b', vms: { web1: { qmp: '/q', exports } } }).success;
  const tlsCreds = '/etc/pki/qemu';
  const cases = [
    { title: 'nothing', exports: {}, good: true },
    { title: 'the loopback', exports: { listen: '127.0.0.1:10809' }, good: true },
    { title: 'the loopback of IPv6', exports: { listen: '[::1]:10809' }, good: true },
    {
      title: 'an address with certificates',
      exports: { listen: '192.0.2.7:1', tlsCreds },
      good: true,
    },
    { title: 'an address without', exports: { listen: '192.0.2.7:10809' }, good: false },
    { title: 'every address without', exports: { listen: '0.0.0.0:10809' }, good: false },
    {
      title: 'a name that begins as the loopback',
      exports: { listen: '127.0.0.1.evil.example:1' },
      good: false,
    },
    { title: 'certificates without an address', exports: { tlsCreds }, good: false },
    { title: 'no port', exports: { listen: '127.0.0.1' }, good: false },
    {
      title: 'a relative folder',
      exports: { listen: '127.0.0.1:1', tlsCreds: 'pki' },
      good: false,
    },
  ];
  for (const { title, exports, good } of cases)
    it(`${good ? 'may be' : 'cannot be'} ${title}`, () => expect(parsed(exports)).toBe(good));
});
