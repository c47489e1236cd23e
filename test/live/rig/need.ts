import type { TestContext } from 'vitest';
import { queryAbilities } from '../../../capture/abilities.ts';
import type { Machine } from '../../../lab/machine.ts';
import type { Shield } from '../../../model/choices.ts';

/** Skips the test, with the reason, on a QEMU that has not that shield. */
export async function needShield(
  context: TestContext,
  machine: Machine,
  shield: Shield,
): Promise<void> {
  const { version, fleecing } = await queryAbilities(machine.labQmp);
  context.skip(
    shield === 'fleece' && !fleecing,
    `QEMU ${version} has no copy-before-write filter, so there is no shield "fleece"`,
  );
}

/** Skips the test, with the reason, where a copy from a disk on an iothread hangs QEMU: the product refuses it. */
export async function needIothreads(context: TestContext, machine: Machine): Promise<void> {
  const { version, hangsOnIothread } = await queryAbilities(machine.labQmp);
  context.skip(
    hangsOnIothread,
    `QEMU ${version} hangs with disks on iothreads, and they are refused`,
  );
}
