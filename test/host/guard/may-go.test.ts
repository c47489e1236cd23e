import { describe, expect, it } from 'vitest';
import { mayGo, type Situation } from '../../../host/guard/may-go.ts';

const quiet: Situation = {
  shield: 'fleece',
  phase: 'ready',
  mayBeFrozen: false,
  ended: false,
  released: false,
  deadlinePassed: false,
  idlePassed: false,
  connections: 0,
};

describe('mayGo', () => {
  const cases: { title: string; situation: Partial<Situation>; goes: boolean }[] = [
    { title: 'stays while nobody has come yet', situation: {}, goes: false },
    { title: 'goes when nobody came', situation: { idlePassed: true }, goes: true },
    {
      title: 'stays for one that has come',
      situation: { idlePassed: true, connections: 1 },
      goes: false,
    },
    { title: 'stays while armed', situation: { phase: 'armed', idlePassed: true }, goes: false },
    { title: 'goes after the instant', situation: { phase: 'taken' }, goes: true },
    {
      title: 'stays after the instant while somebody uses QMP through it',
      situation: { phase: 'taken', connections: 1 },
      goes: false,
    },
    {
      title: 'goes at the deadline although somebody is connected',
      situation: { phase: 'taken', connections: 1, deadlinePassed: true },
      goes: true,
    },
    { title: 'stays until the VM is freed', situation: { phase: 'broken' }, goes: false },
    {
      title: 'goes once the VM is freed',
      situation: { phase: 'broken', released: true, connections: 1 },
      goes: true,
    },
    {
      title: 'stays over an unshielded copy',
      situation: { shield: 'none', phase: 'taken', deadlinePassed: true },
      goes: false,
    },
    {
      title: 'stays beside a VM freed of an unshielded copy until it is told to go',
      situation: { shield: 'none', phase: 'broken', released: true },
      goes: false,
    },
    {
      title: 'goes when told, also beside an unshielded copy',
      situation: { shield: 'none', phase: 'taken', ended: true },
      goes: true,
    },
    {
      title: 'never leaves a guest that may be frozen',
      situation: {
        phase: 'broken',
        released: true,
        ended: true,
        deadlinePassed: true,
        mayBeFrozen: true,
      },
      goes: false,
    },
  ];
  for (const { title, situation, goes } of cases) {
    it(`a guard ${title}`, () => expect(mayGo({ ...quiet, ...situation })).toBe(goes));
  }
});
