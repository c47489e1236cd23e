import { describe, expect, it } from 'vitest';
import { publishBackup } from '../../../activities/publish-backup.ts';
import { startInstantTap } from '../../../lab/instant-tap.ts';
import { startQemu } from '../../../lab/start-qemu.ts';
import { findReceivers } from '../../../qemu/receiver/find-receivers.ts';
import { eventually } from '../../host/eventually.ts';
import { mountOrSkip } from '../file-system.ts';
import { hungThreads } from '../hung-threads.ts';
import { leftovers } from '../rig/leftovers.ts';
import { needFilter } from '../rig/need.ts';
import { expectNextIsExact, fill } from '../rig/next.ts';
import { expectSame } from '../rig/oracle.ts';
import { makeRig, type Rig } from '../rig/rig.ts';
import { sweep } from '../rig/sweep.ts';
import { Way } from '../rig/way.ts';
import { whileGuestWrites } from './guest-writes.ts';
import { holdCopy } from './held-copy.ts';

const MiB = 1024 ** 2;
const disks = [{ virtualBytes: 64 * MiB }, { virtualBytes: 48 * MiB }];

/** An attempt at publishing, until its worker dies or loses patience. */
async function attemptToPublish({ rig, run, plan }: Way, signal: AbortSignal): Promise<unknown> {
  const takenAt = new Date(0).toISOString();
  const measured = { frozenMs: 0, pausedMs: 0, warnings: [] };
  const instant = { takenAt, consistency: 'crash' as const, ...measured };
  const { runId, workflowId } = run;
  return publishBackup(rig.dependencies, { plan, instant, runId, workflowId }, signal);
}

/** Begins to publish on a target that hangs, and gives up when it does. */
async function publishInVain(run: Way): Promise<void> {
  const impatient = new AbortController();
  const attempt = attemptToPublish(run, impatient.signal);
  attempt.catch(() => undefined);
  await eventually(async () => (await hungThreads('--ppid', String(process.pid))) > 0);
  impatient.abort();
  await expect(attempt).rejects.toMatchObject({ name: 'AbortError' });
}

/** What of ours is in the machine itself. */
async function inVm(rig: Rig): Promise<string[]> {
  return (await leftovers(rig)).filter((name) => /^(sp-|stillpoint-tmp:)/.test(name));
}

describe('a target that hangs in the kernel', () => {
  it('while it is copied to lets go of the VM on a cancel, and is swept when it is back', async (context) => {
    await using files = await mountOrSkip(context, 256);
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    await using tap = await startInstantTap(machine);
    const on = { repository: files.path };
    await using rig = await makeRig(machine, { vm: { qmp: tap.qmpSocket }, on });
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const copy = await holdCopy(rig, tap);
    await files.hang();
    await copy.letGo();
    const receivers = await findReceivers(rig.dependencies.paths.vm('vm').run);
    const pids = receivers.map(({ pid }) => pid).join(',');
    await eventually(async () => (await hungThreads('-p', pids)) > 0);

    await whileGuestWrites(machine, 'target hung while copying', async () => {
      copy.cancel();
      await expect(copy.watched).rejects.toMatchObject({ name: 'AbortError' });
      const { troubles } = await copy.run.rollback();
      expect(troubles).toEqual([expect.stringContaining('partial files stay until the next run')]);
    });

    expect(await inVm(rig)).toEqual([]);
    await files.recover();
    expect(await sweep(rig)).toEqual({ done: [], troubles: [] });
    expect(await leftovers(rig)).toEqual([]);
    await expectNextIsExact(rig);
  });

  it('while the backup is committed and published keeps it waiting, not the VM, and then holds it whole', async (context) => {
    await using files = await mountOrSkip(context, 256);
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    await using rig = await makeRig(machine, { on: { repository: files.path } });
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const run = new Way(rig);
    const held = await run.toInstant();
    await run.until('watchCopy');
    await files.hang();

    await whileGuestWrites(machine, 'target hung while committing and publishing', async () => {
      await run.until('commitBackup');
      await publishInVain(run);
    });

    expect(await inVm(rig)).toEqual([]);
    const waiting = attemptToPublish(run, new AbortController().signal);
    await files.recover();
    expect(await waiting).toMatchObject({ kind: 'incremental' });
    await expectSame(rig, run.plan, held);
    expect(await leftovers(rig)).toEqual([]);
    await expectNextIsExact(rig);
  });

  it('when its worker and its workflow ended while it was published, is swept, and no change is lost', async (context) => {
    await using files = await mountOrSkip(context, 256);
    await using machine = await startQemu({ disks });
    await needFilter(context, machine);
    await using rig = await makeRig(machine, { on: { repository: files.path } });
    await new Way(rig).toEnd();
    await fill(rig, 2);
    const run = await new Way(rig).until('commitBackup');
    await files.hang();
    await publishInVain(run);

    await files.recover();
    const { done, troubles } = await sweep(rig);

    expect(troubles).toEqual([]);
    expect(done).toEqual([`backup ${run.plan.backupId}, whose workflow has ended`]);
    expect(await leftovers(rig)).toEqual([]);
    await expectNextIsExact(rig);
  });
});
