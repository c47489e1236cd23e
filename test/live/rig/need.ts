import type { TestContext } from 'vitest';
import { queryAbilities } from '../../../capture/abilities.ts';
import type { Machine } from '../../../lab/machine.ts';
import type { Shield } from '../../../model/choices.ts';
import { tierFor } from '../../../model/tier.ts';
import type { QmpClient } from '../../../qemu/qmp/client.ts';

/** Skips the test, with the reason, on a QEMU that has not that shield. */
export async function needShield(
  context: TestContext,
  machine: Machine,
  shield: Shield,
): Promise<void> {
  const abilities = await queryAbilities(machine.labQmp);
  const choice = tierFor(abilities, { shield });
  context.skip('refused' in choice, `QEMU ${abilities.version} has no shield "${shield}"`);
}

/** Skips the test, with the reason, on a QEMU that takes no backup behind a shield unless it is asked for one. */
export async function needFilter(context: TestContext, machine: Machine): Promise<void> {
  const { version, fleecing } = await queryAbilities(machine.labQmp);
  context.skip(!fleecing, `QEMU ${version} has no copy-before-write filter`);
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

/** Skips the test, with the reason, where what is tracked below an overlay is not trusted, and no overlay is put above it. */
export async function needOverlays(context: TestContext, machine: Machine): Promise<void> {
  const { version, keepsBitmaps } = await queryAbilities(machine.labQmp);
  context.skip(
    !keepsBitmaps,
    `QEMU ${version} loses what is tracked below an overlay: a disk on one goes full, and snapshots are refused`,
  );
}

/** Skips the test, with the reason, where segments cannot be merged: there each stands for itself, and none rests. */
export async function needMerging(context: TestContext, machine: Machine): Promise<void> {
  const { version, merging } = await queryAbilities(machine.labQmp);
  context.skip(!merging, `QEMU ${version} cannot merge bitmaps`);
}

/** Whether a target waits for a receiver that is gone. */
export function hasPatientTargets({ version: { major, minor } }: QmpClient): boolean {
  return major > 4 || (major === 4 && minor >= 2);
}

/** Skips the test, with the reason, where a write of the guest fails at once when its copy's target has lost its receiver. */
export function needPatientTargets(context: TestContext, qmp: QmpClient): void {
  const { major, minor } = qmp.version;
  context.skip(
    !hasPatientTargets(qmp),
    `QEMU ${major}.${minor} knows no \`reconnect-delay\`, so that a sink comes too late`,
  );
}

/** Skips the test, with the reason, where a job is gone as soon as it has copied all. */
export function needPending(context: TestContext, qmp: QmpClient): void {
  const { major, minor } = qmp.version;
  context.skip(qmp.lacks('job-dismiss'), `QEMU ${major}.${minor} has no job wait in pending`);
}

/** Skips the test, with the reason, where a job that meets an error must stop, and fails writes of the guest until it is ended. */
export async function needFailingJobs(context: TestContext, machine: Machine): Promise<void> {
  const { version, bitmapSync } = await queryAbilities(machine.labQmp);
  context.skip(
    !bitmapSync,
    `QEMU ${version} clears the bitmap of a job that ends, so that it must stop at a full target, and fail writes`,
  );
}

/** Skips the test, with the reason, where a job cannot keep for a copy what the guest overwrites. */
export async function needJobFleecing(context: TestContext, machine: Machine): Promise<void> {
  const abilities = await queryAbilities(machine.labQmp);
  const choice = tierFor(abilities, { tier: 'fleece-job' });
  context.skip(
    'refused' in choice,
    `QEMU ${abilities.version} cannot serve what a job of \`sync: none\` keeps`,
  );
}

/** Skips the test, with the reason, where QEMU was built without TLS: it says so before it looks for certificates. */
export async function needTls(context: TestContext, { labQmp }: Machine): Promise<void> {
  const nowhere = { dir: '/nowhere', endpoint: 'server', 'verify-peer': true } as const;
  const refusal = await labQmp
    .execute('object-add', { 'qom-type': 'tls-creds-x509', id: 'tls', ...nowhere })
    .then(() => '', String);
  const { major, minor } = labQmp.version;
  context.skip(refusal.includes('GNUTLS'), `this QEMU ${major}.${minor} was built without TLS`);
}

/** Skips the test, with the reason, where the guest of these tests does not come back from a reset, with or without a backup. */
export function needReboots(context: TestContext, { labQmp: { version } }: Machine): void {
  const { major, minor } = version;
  context.skip(
    major < 4 || (major === 5 && minor === 2),
    `QEMU ${major}.${minor} does not always boot a kernel of its command line again after a reset`,
  );
}
