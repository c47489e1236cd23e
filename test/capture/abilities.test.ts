import { describe, expect, it } from 'vitest';
import { chooseTier, queryAbilities, type Abilities } from '../../capture/abilities.ts';
import { UnsupportedQemuError } from '../../capture/errors.ts';
import { AnsweringQemu } from './answering-qemu.ts';

const able: Abilities = {
  version: '7.2.22',
  bitmapSync: true,
  fleecing: true,
  merging: true,
  exporting: true,
  secondPass: true,
  hangsOnIothread: false,
  keepsBitmaps: true,
};

/** The enums of a QEMU's schema, where their names are numbers. */
function schema(
  drivers: readonly string[],
  syncs: readonly string[],
  merges: readonly string[] = ['block-dirty-bitmap-merge'],
  exportArgs: readonly string[] = ['device', 'name', 'bitmap'],
): unknown {
  const enumOf = (name: string, values: readonly string[]) => ({
    name,
    'meta-type': 'enum',
    values,
  });
  return [
    { name: 'stop', 'meta-type': 'command' },
    { name: 'nbd-server-add', 'meta-type': 'command', 'arg-type': '40' },
    {
      name: '40',
      'meta-type': 'object',
      members: exportArgs.map((name) => ({ name, type: 'str' })),
    },
    enumOf('102', ['dirty-bitmap', 'incremental-x']),
    enumOf('17', drivers),
    enumOf('18', syncs),
    enumOf('19', ['blockdev-backup', 'block-dirty-bitmap-add', ...merges]),
  ];
}

const drivers = ['nbd', 'null-co', 'qcow2', 'raw'];
const filters = ['copy-before-write', 'snapshot-access'];
const syncs = ['top', 'full', 'none', 'incremental'];

describe('queryAbilities', () => {
  const [old, middle, recent] = [
    { bitmapSync: false, fleecing: false, keepsBitmaps: false, exporting: false },
    { bitmapSync: true, fleecing: false, keepsBitmaps: true, exporting: true },
    { bitmapSync: true, fleecing: true, keepsBitmaps: true, exporting: true },
  ];
  const filtered = [...drivers, ...filters];
  const cases = [
    {
      version: '2.11.0',
      has: schema(drivers, syncs, [], ['device']),
      abilities: { ...old, merging: false, secondPass: true },
    },
    {
      version: '3.1.0',
      has: schema(drivers, syncs, ['x-block-dirty-bitmap-merge'], ['device', 'name']),
      abilities: { ...old, merging: true, secondPass: true },
    },
    {
      version: '4.0.0',
      has: schema(drivers, syncs),
      abilities: { ...old, exporting: true, merging: true, secondPass: true },
    },
    {
      version: '4.2.0',
      has: schema(drivers, [...syncs, 'bitmap']),
      abilities: { ...middle, keepsBitmaps: false, merging: true, secondPass: true },
    },
    {
      version: '5.2.0',
      has: schema(drivers, [...syncs, 'bitmap']),
      abilities: { ...middle, merging: true, secondPass: true },
    },
    {
      version: '9.2.4',
      has: schema(filtered, [...syncs, 'bitmap']),
      abilities: { ...recent, merging: true, secondPass: true },
    },
    {
      version: '10.0.0',
      has: schema(filtered, [...syncs, 'bitmap']),
      abilities: { ...recent, merging: true, secondPass: false },
    },
  ];
  for (const { version, has, abilities } of cases)
    it(`finds what QEMU ${version} can do`, async () => {
      const replies = {
        'query-qmp-schema': () => has,
        'query-iothreads': () => [],
        'query-commands': () => [],
      };
      const qmp = await new AnsweringQemu(replies, version).open();

      expect(await queryAbilities(qmp)).toEqual({ version, hangsOnIothread: false, ...abilities });
    });

  for (const { version, hangs } of [
    { version: '5.2.0', hangs: true },
    { version: '7.1.0', hangs: true },
    { version: '7.2.0', hangs: false },
    { version: '10.0.0', hangs: false },
  ])
    it(`knows that QEMU ${version} ${hangs ? 'hangs' : 'does not hang'} with iothreads`, async () => {
      const replies = {
        'query-qmp-schema': () => schema(drivers, syncs),
        'query-iothreads': () => [{ id: 'vd0-thread', 'thread-id': 7 }],
      };
      const qmp = await new AnsweringQemu(replies, version).open();

      expect((await queryAbilities(qmp)).hangsOnIothread).toBe(hangs);
    });

  it('needs both halves of fleecing', async () => {
    const has = schema([...drivers, 'copy-before-write'], syncs);
    const qmp = await new AnsweringQemu({ 'query-qmp-schema': () => has }).open();

    expect((await queryAbilities(qmp)).fleecing).toBe(false);
  });

  it('refuses what is older than anything that was tried', async () => {
    const replies = { 'query-qmp-schema': () => [], 'query-commands': () => [] };
    const qmp = await new AnsweringQemu(replies, '2.10.2').open();

    await expect(queryAbilities(qmp)).rejects.toThrow(UnsupportedQemuError);
  });
});

describe('chooseTier', () => {
  it('is the best that QEMU has', () => expect(chooseTier(able, {})).toBe('fleece'));

  it('refuses what QEMU has not, and says who it was and why', () => {
    const choose = () =>
      chooseTier({ ...able, fleecing: false, exporting: false }, { shield: 'fleece' });

    expect(choose).toThrow(UnsupportedQemuError);
    expect(choose).toThrow(/^QEMU 7\.2\.22: .* 4\.0 or newer; use shield "none"/);
  });

  it('refuses a VM that a backup would hang', () => {
    const choose = () => chooseTier({ ...able, hangsOnIothread: true }, {});

    expect(choose).toThrow(UnsupportedQemuError);
    expect(choose).toThrow(/would hang it, for the VM has iothreads/);
  });
});
