import { describe, expect, it } from 'vitest';
import { copyJob, secondPassJob } from '../../capture/copy-jobs.ts';
import { haltOf, isIgnored, JobErrors, mayHalt } from '../../capture/halted-jobs.ts';
import { passesOf } from '../../capture/passes.ts';
import { ourName } from '../../model/names.ts';
import type { OnError } from '../../model/choices.ts';
import { diskPlan, samplePlan, wednesday } from './sample.ts';

const id = ourName(wednesday, 0, 'j');

function seen(operation?: 'read' | 'write'): JobErrors {
  const errors = new JobErrors();
  if (operation)
    errors.see({ event: 'BLOCK_JOB_ERROR', data: { device: id, operation }, timestampMs: 0 });
  return errors;
}

describe('isIgnored', () => {
  type Case = {
    source: OnError;
    target: OnError;
    error?: 'no-space' | 'failed';
    operation?: 'read' | 'write';
    ignored: boolean;
  };
  const cases: Case[] = [
    { source: 'report', target: 'ignore', ignored: true },
    { source: 'ignore', target: 'report', ignored: true },
    { source: 'ignore', target: 'ignore', ignored: true },
    { source: 'report', target: 'stop', ignored: false },
    { source: 'report', target: 'enospc', error: 'no-space', ignored: false },
    { source: 'ignore', target: 'stop', ignored: false },
    { source: 'ignore', target: 'stop', operation: 'read', ignored: true },
    { source: 'ignore', target: 'stop', operation: 'write', ignored: false },
    { source: 'stop', target: 'ignore', operation: 'write', ignored: true },
    { source: 'ignore', target: 'enospc', error: 'failed', ignored: true },
    { source: 'ignore', target: 'enospc', error: 'no-space', ignored: false },
    // Somebody else's policy: ours would not have paused it.
    { source: 'report', target: 'report', ignored: false },
  ];
  for (const { source, target, error = 'failed', operation, ignored } of cases) {
    const which = `${error} at ${operation ?? 'an unknown operation'}`;
    const policies = `source ${source}, target ${target}`;
    it(`${ignored ? 'goes on from' : 'leaves to an operator'} ${which} with ${policies}`, () => {
      const plan = samplePlan({ onSourceError: source, onTargetError: target });
      expect(isIgnored(plan, { id, error }, seen(operation))).toBe(ignored);
    });
  }
});

describe('the jobs of a copy', () => {
  it('are told nothing of errors by default', () => {
    const plan = samplePlan({ onSourceError: 'report', onTargetError: 'report' });

    expect(mayHalt(plan)).toBe(false);
    expect(copyJob(plan, diskPlan(0), 'a')).not.toHaveProperty('data.on-target-error');
  });

  it('are told the policies in both passes, and to stop where the watch is to ignore', () => {
    const plan = samplePlan({ onSourceError: 'ignore', onTargetError: 'enospc' });
    const told = { 'on-source-error': 'stop', 'on-target-error': 'enospc' };

    expect(mayHalt(plan)).toBe(true);
    expect(copyJob(plan, diskPlan(0), 'a').data).toMatchObject(told);
    expect(secondPassJob(plan, diskPlan(0)).data).toMatchObject(told);
  });
});

describe('haltOf', () => {
  it('names the disk and the error, and the room that all disks still need', () => {
    const plan = samplePlan({
      onTargetError: 'enospc',
      disks: [diskPlan(0, { expectedBytes: 40_000 }), diskPlan(1, { expectedBytes: 90_000 })],
    });
    const job = (disk: number, doneBytes: number) => ({
      id: ourName(wednesday, disk, 'j'),
      type: 'backup',
      status: 'running',
      'current-progress': doneBytes,
      'total-progress': 65_536,
    });
    const passes = passesOf(plan, [job(0, 0), job(1, 60_000)]);

    expect(haltOf(plan, passes, [{ id, error: 'no-space' }], seen('write'))).toEqual({
      disks: [{ device: 'vd0', error: 'no-space', operation: 'write' }],
      neededBytes: 40_000 + 5_536,
    });
  });
});
