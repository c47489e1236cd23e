import { describe, expect, it } from 'vitest';
import { chooseShield, queryAbilities, type Abilities } from '../../capture/abilities.ts';
import { UnsupportedQemuError } from '../../capture/errors.ts';
import { AnsweringQemu } from './answering-qemu.ts';

const able: Abilities = {
  version: '7.2.22',
  bitmapSync: true,
  fleecing: true,
  secondPass: true,
  hangsOnIothread: false,
};

/** The enums of a QEMU's schema, where their names are numbers. */
function schema(drivers: readonly string[], syncs: readonly string[]): unknown {
  const enumOf = (name: string, values: readonly string[]) => ({
    name,
    'meta-type': 'enum',
    values,
  });
  return [
    { name: 'stop', 'meta-type': 'command' },
    enumOf('102', ['dirty-bitmap', 'incremental-x']),
    enumOf('17', drivers),
    enumOf('18', syncs),
  ];
}

const drivers = ['nbd', 'null-co', 'qcow2', 'raw'];
const filters = ['copy-before-write', 'snapshot-access'];
const syncs = ['top', 'full', 'none', 'incremental'];

describe('queryAbilities', () => {
  const cases = [
    {
      version: '4.0.0',
      has: schema(drivers, syncs),
      abilities: { bitmapSync: false, fleecing: false, secondPass: true },
    },
    {
      version: '5.2.0',
      has: schema(drivers, [...syncs, 'bitmap']),
      abilities: { bitmapSync: true, fleecing: false, secondPass: true },
    },
    {
      version: '7.2.22',
      has: schema([...drivers, ...filters], [...syncs, 'bitmap']),
      abilities: { bitmapSync: true, fleecing: true, secondPass: true },
    },
    {
      version: '9.2.4',
      has: schema([...drivers, ...filters], [...syncs, 'bitmap']),
      abilities: { bitmapSync: true, fleecing: true, secondPass: true },
    },
    {
      version: '10.0.0',
      has: schema([...drivers, ...filters], [...syncs, 'bitmap']),
      abilities: { bitmapSync: true, fleecing: true, secondPass: false },
    },
    {
      version: '11.1.2',
      has: schema([...drivers, ...filters], [...syncs, 'bitmap']),
      abilities: { bitmapSync: true, fleecing: true, secondPass: false },
    },
  ];
  for (const { version, has, abilities } of cases)
    it(`finds what QEMU ${version} can do`, async () => {
      const replies = { 'query-qmp-schema': () => has, 'query-iothreads': () => [] };
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
});

describe('chooseShield', () => {
  const cases = [
    { title: 'QEMU can', abilities: able, wanted: undefined, shield: 'fleece' },
    {
      title: 'QEMU cannot fleece',
      abilities: { ...able, fleecing: false },
      wanted: undefined,
      shield: 'none',
    },
    {
      title: 'it is asked for, and QEMU could fleece',
      abilities: able,
      wanted: 'none',
      shield: 'none',
    },
    { title: 'it is asked for', abilities: able, wanted: 'fleece', shield: 'fleece' },
  ] as const;
  for (const { title, abilities, wanted, shield } of cases)
    it(`is ${shield} where ${title}`, () => expect(chooseShield(abilities, wanted)).toBe(shield));

  it('refuses a shield that QEMU does not have, and says which one it has', () => {
    const choose = () => chooseShield({ ...able, fleecing: false }, 'fleece');

    expect(choose).toThrow(UnsupportedQemuError);
    expect(choose).toThrow(/7\.1 or newer; use shield "none"/);
  });

  it('refuses a VM that a backup would hang', () => {
    const choose = () => chooseShield({ ...able, hangsOnIothread: true }, undefined);

    expect(choose).toThrow(UnsupportedQemuError);
    expect(choose).toThrow(/would hang it, for the VM has iothreads/);
  });

  for (const wanted of [undefined, 'none', 'fleece'] as const)
    it(`refuses a QEMU whose jobs clear the bitmap, shield ${wanted ?? 'not chosen'}`, () => {
      const choose = () => chooseShield({ ...able, bitmapSync: false }, wanted);

      expect(choose).toThrow(UnsupportedQemuError);
    });
});
