import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AgentFault } from '../../../lab/agent-relay.ts';
import { eventually } from '../../host/eventually.ts';
import { GuestWorld } from './guest-world.ts';

const freeze = 'guest-fsfreeze-freeze';
const MiB = 1024 ** 2;

type Case = { readonly title: string; readonly fault: AgentFault; readonly trouble: RegExp };

/** What an agent may do when it is to freeze. Where it is reached, the guest's file systems do freeze. */
const cases: readonly Case[] = [
  {
    title: 'hears nothing and says nothing',
    fault: { to: 'everything', reaches: false },
    trouble: /no answer within/,
  },
  {
    title: 'freezes, and its answer is lost',
    fault: { to: freeze, reaches: true, says: '' },
    trouble: /no answer within/,
  },
  {
    title: 'freezes, and answers when nobody waits for it any more',
    fault: { to: freeze, reaches: true },
    trouble: /no answer within/,
  },
  {
    title: 'freezes, and answers with bytes that are no JSON',
    fault: { to: freeze, reaches: true, says: '\x00\x80}}{ nonsense\n{"return": 7\n' },
    trouble: /no answer within/,
  },
  {
    title: 'freezes, and answers with a line without end',
    fault: { to: freeze, reaches: true, says: 'x'.repeat(2 * MiB) },
    trouble: /connection broke/,
  },
  {
    title: 'freezes, and answers with another shape',
    fault: { to: freeze, reaches: true, says: '{"return": {"frozen": true}}\n' },
    trouble: /unexpected answer/,
  },
  {
    title: 'freezes, and says that it could not',
    fault: {
      to: freeze,
      reaches: true,
      says: '{"error": {"class": "GenericError", "desc": "failed to freeze /mnt/sp-vd1"}}\n',
    },
    trouble: /failed to freeze/,
  },
  {
    title: 'tells its state in another shape',
    fault: { to: 'guest-fsfreeze-status', reaches: true, says: '{"return": 1}\n' },
    trouble: /unexpected answer/,
  },
];

/** One guest for all of them: each finds it thawed, or fails. */
describe('an agent that', () => {
  let world: GuestWorld;
  beforeAll(async () => {
    world = await GuestWorld.make();
  });
  afterAll(async () => world?.[Symbol.asyncDispose]());
  afterEach(() => world.relay.recover());

  for (const { title, fault, trouble } of cases) {
    it(`${title} fails a backup that has to be quiesced, and the guest goes on`, async () => {
      const run = await world.ready({ quiesce: 'required' });
      world.relay.misbehave(fault);

      const outcome = await world.finish(run, () => world.relay.recover());

      expect(outcome).toEqual({ failure: 'FreezeFailedError' });
      await world.guestWrites();
      expect(await world.leftovers()).toEqual([]);
    });

    it(`${title} leaves a backup crash-consistent that may be, and the guest goes on`, async () => {
      const run = await world.ready({ quiesce: 'preferred' });
      world.relay.misbehave(fault);

      const outcome = await world.finish(run, () => world.relay.recover());

      const { trouble: told, ...ended } = outcome;
      expect(ended).toEqual({ consistency: 'crash' });
      expect(told).toMatch(trouble);
      expect(await world.differing(run)).toEqual([]);
      await world.guestWrites();
      expect(await world.leftovers()).toEqual([]);
    });
  }

  for (const says of ['{"return": {}}\n', '{"error": {"class": "GenericError", "desc": "no"}}\n'])
    it(`thaws, and answers ${says.trim()}, is asked for its state`, async () => {
      const run = await world.ready({ quiesce: 'preferred' });
      world.relay.misbehave({ to: 'guest-fsfreeze-thaw', reaches: true, says });

      const outcome = await world.finish(run);

      // Nobody knows whether the freeze had held until then.
      expect(outcome.consistency).toBe('crash');
      await world.guestWrites();
      expect(await world.leftovers()).toEqual([]);
    });

  it('thaws, and whose answer to that is no JSON, is told again until it makes sense', async () => {
    const run = await world.ready({ quiesce: 'required' });
    const thaw = 'guest-fsfreeze-thaw';
    world.relay.misbehave({ to: thaw, reaches: true, says: '}} nonsense\n' });
    const before = world.relay.commands.length;
    const thaws = () => world.relay.commands.slice(before).filter((command) => command === thaw);
    const again = eventually(() => thaws().length > 1).then(() => world.relay.recover());

    const outcome = await world.finish(run);

    await again;
    expect(outcome.consistency).toBe('filesystem');
    await world.guestWrites();
    expect(await world.leftovers()).toEqual([]);
  });
});
