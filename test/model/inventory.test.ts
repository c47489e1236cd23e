import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../model/bytes.ts';
import { HostName, Inventory } from '../../model/inventory.ts';
import { vmConfig } from '../../model/vm-config.ts';

const web1 = { qmp: '/run/qemu/web1.sock' };

function inventory(vms: unknown, rest: object = {}): Inventory {
  return Inventory.parse({ repository: '/srv/backups', ...rest, vms });
}

describe('Bytes', () => {
  const cases = [
    { written: 0, bytes: 0 },
    { written: 1_048_576, bytes: 1_048_576 },
    { written: '512', bytes: 512 },
    { written: '512B', bytes: 512 },
    { written: '1KiB', bytes: 1024 },
    { written: '512 MiB', bytes: 512 * 1024 ** 2 },
    { written: '10GiB', bytes: 10 * 1024 ** 3 },
    { written: '2TiB', bytes: 2 * 1024 ** 4 },
  ];
  for (const { written, bytes } of cases)
    it(`reads ${JSON.stringify(written)} as ${bytes}`, () =>
      expect(Bytes.parse(written)).toBe(bytes));

  for (const written of [-1, 1.5, '', '10GB', '10 gib', '-1', '1.5GiB', 'GiB', '0x10', '10GiB '])
    it(`refuses ${JSON.stringify(written)}`, () =>
      expect(Bytes.safeParse(written).success).toBe(false));

  it('knows how large a number with a unit is', () => {
    const unit = fc.constantFrom('B', 'KiB', 'MiB', 'GiB', 'TiB');
    fc.assert(
      fc.property(fc.nat({ max: 8191 }), unit, (count, unit) => {
        const factor = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 }[unit];
        expect(Bytes.parse(`${count}${unit}`)).toBe(count * (factor ?? Number.NaN));
      }),
    );
  });
});

describe('HostName', () => {
  for (const name of ['', '.', '-hv', 'hv 1', 'hv/1', 'hv1\n', 'x'.repeat(254)])
    it(`refuses ${JSON.stringify(name)}`, () =>
      expect(HostName.safeParse(name).success).toBe(false));
});

describe('Inventory', () => {
  const mistakes = [
    { title: 'a VM whose name leads out of the repository', vms: { '../web1': web1 } },
    { title: 'a socket that is no absolute path', vms: { web1: { qmp: 'run/qmp.sock' } } },
    { title: 'an agent that is no absolute path', vms: { web1: { ...web1, agent: 'qga.sock' } } },
    { title: 'a repository that is no absolute path', vms: { web1: { ...web1, repository: 'r' } } },
    { title: 'a setting that it does not know', vms: { web1: { ...web1, quiesced: true } } },
    { title: 'an empty list of disks', vms: { web1: { ...web1, disks: [] } } },
    { title: 'a freeze of more than a minute', vms: { web1: { ...web1, maxFreezeSeconds: 61 } } },
    { title: 'a freeze of no time', vms: { web1: { ...web1, maxFreezeSeconds: 0 } } },
    {
      title: 'a copy that may not stall at all',
      vms: { web1: { ...web1, targetStallSeconds: 0 } },
    },
    { title: 'a disk that keeps no segment', vms: { web1: { ...web1, keepSegments: 0 } } },
    { title: 'a shield that nobody has', vms: { web1: { ...web1, shield: 'iron' } } },
  ];
  for (const { title, vms } of mistakes)
    it(`refuses ${title}`, () => {
      const parsed = Inventory.safeParse({ repository: '/srv/backups', vms });

      expect(parsed.success).toBe(false);
    });

  it('refuses in the defaults what belongs to one VM', () => {
    const defaults = { qmp: '/run/qmp.sock' };

    const parsed = Inventory.safeParse({ repository: '/r', vms: {}, defaults });

    expect(parsed.success).toBe(false);
  });
});

describe('vmConfig', () => {
  it('fills in all that the operator leaves out', () => {
    expect(vmConfig(inventory({ web1 }), 'web1', 'hv1')).toEqual({
      vm: 'web1',
      host: 'hv1',
      qmp: '/run/qemu/web1.sock',
      agent: undefined,
      repository: '/srv/backups',
      disks: undefined,
      quiesce: 'preferred',
      shield: undefined,
      freezeMountpoints: undefined,
      maxFreezeSeconds: 10,
      targetStallSeconds: 60,
      onSourceError: 'report',
      onTargetError: 'report',
      operatorWaitSeconds: 86_400,
      maxBytesPerSecond: 0,
      scratchBytes: 10 * 1024 ** 3,
      keepSegments: 32,
      exports: {},
      exportSeconds: 86_400,
      allowLibvirt: false,
    });
  });

  it('puts the defaults of the file over its own, and the settings of the VM over both', () => {
    const defaults = { quiesce: 'required', keepSegments: 8 };
    const vms = { web1: { ...web1, keepSegments: 4 }, web2: { qmp: '/run/qemu/web2.sock' } };
    const given = inventory(vms, { defaults });

    expect(vmConfig(given, 'web1', 'hv1')).toMatchObject({ quiesce: 'required', keepSegments: 4 });
    expect(vmConfig(given, 'web2', 'hv1')).toMatchObject({ quiesce: 'required', keepSegments: 8 });
  });

  const hosts = [
    { title: "the VM's own", file: { host: 'hv2' }, vm: { host: 'hv3' }, host: 'hv3' },
    { title: 'the one of the file', file: { host: 'hv2' }, vm: {}, host: 'hv2' },
    { title: "the machine's name", file: {}, vm: {}, host: 'hv1' },
  ];
  for (const { title, file, vm, host } of hosts)
    it(`takes as host ${title}`, () => {
      const given = inventory({ web1: { ...web1, ...vm } }, file);

      expect(vmConfig(given, 'web1', 'hv1')?.host).toBe(host);
    });

  it('knows a repository of the VM alone', () => {
    const given = inventory({ web1: { ...web1, repository: '/srv/other' } });

    expect(vmConfig(given, 'web1', 'hv1')?.repository).toBe('/srv/other');
  });

  for (const name of ['web2', 'constructor', '__proto__'])
    it(`knows no VM ${name} that is not written down`, () =>
      expect(vmConfig(inventory({ web1 }), name, 'hv1')).toBeUndefined());
});
