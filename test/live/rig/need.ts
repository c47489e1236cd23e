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

/** Skips the test, with the reason, where no segment is kept in an image: QEMU's end is then the end of all tracking. */
export async function needKeptBitmaps(context: TestContext, machine: Machine): Promise<void> {
  const { version, keepsBitmaps } = await queryAbilities(machine.labQmp);
  context.skip(
    !keepsBitmaps,
    `QEMU ${version} spoils bitmaps in images, so that no segment outlives it`,
  );
}

/** Skips the test, with the reason, where segments cannot be merged: there each stands for itself, and none rests. */
export async function needMerging(context: TestContext, machine: Machine): Promise<void> {
  const { version, merging } = await queryAbilities(machine.labQmp);
  context.skip(!merging, `QEMU ${version} cannot merge bitmaps`);
}

/** Skips the test, with the reason, where a write of the guest fails at once when its copy's target has lost its receiver. */
export async function needPatientTargets(context: TestContext, machine: Machine): Promise<void> {
  const { major, minor } = machine.labQmp.version;
  context.skip(
    major < 4 || (major === 4 && minor < 2),
    `QEMU ${major}.${minor} knows no \`reconnect-delay\`, so that a sink comes too late`,
  );
}
