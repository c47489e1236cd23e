import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { permanent } from '../../../workflows/permanent-errors.ts';
import { eventually } from '../../host/eventually.ts';
import { needReboots } from '../rig/need.ts';
import { GuestWorld } from './guest-world.ts';

let world: GuestWorld;
beforeEach(async () => {
  world = await GuestWorld.make({ reboots: true });
});
afterEach(async () => world?.[Symbol.asyncDispose]());

/** Resets the machine and resolves when QEMU says so; its guest then boots. */
async function reset(): Promise<void> {
  const { labQmp } = world.machine;
  const said = new Promise<void>((resolve) => {
    const unlisten = labQmp.listen(({ event }) => {
      if (event !== 'RESET') return;
      unlisten();
      resolve();
    });
  });
  await labQmp.execute('human-monitor-command', { 'command-line': 'system_reset' });
  await said;
}

/** The guest has booted again and writes: what is asked before its shell is there is lost. */
async function comesBack(): Promise<void> {
  const { guest } = world.machine;
  for (let tries = 0; tries < 20; tries++)
    if (
      await guest.run('true', { timeoutMs: 3_000 }).then(
        () => true,
        () => false,
      )
    )
      break;
  await world.guestWrites();
}

describe('a guest that is reset while it is frozen', () => {
  for (const quiesce of ['required', 'preferred'] as const)
    it(`is never said to have been quiesced, with quiesce ${quiesce}`, async (context) => {
      needReboots(context, world.machine);
      const run = await world.ready({ quiesce });
      await run.until('freezeGuest');
      await eventually(async () => (await world.freezeState()) === 'frozen');

      await reset();
      const outcome = await world.finish(run);

      expect(outcome).toEqual({ failure: expect.any(String) });
      // So the workflow starts anew.
      expect(permanent).not.toContain(outcome.failure);
      expect(await world.leftovers()).toEqual([]);
      await comesBack();
      const next = await world.ready({ quiesce: 'required' });
      expect(await world.finish(next)).toEqual({ consistency: 'filesystem' });
      expect(await world.differing(next)).toEqual([]);
      expect(await world.leftovers()).toEqual([]);
    });
});
