import { describe, expect, it } from 'vitest';
import * as activities from '../../activities/control-activities.ts';
import { exportIdOf, hostTaskQueue, vmOf, workflowIdOf } from '../../client/workflow-ids.ts';

describe('vmOf', () => {
  it('reads back the VM of a workflow id', () => {
    expect(vmOf(workflowIdOf('web1.example-2'))).toBe('web1.example-2');
    expect(vmOf(exportIdOf('web1.example-2'))).toBe('web1.example-2');
  });

  it('leaves out the time that a schedule appends', () => {
    expect(vmOf('backup/web-1-2026-11-24T02:00:00Z')).toBe('web-1');
  });

  it('knows nothing of other workflows', () => {
    expect(vmOf('restore/web1')).toBeUndefined();
  });
});

describe('hostTaskQueue', () => {
  it('is the queue that the workflow sends the work to', () => {
    expect(hostTaskQueue('hv1')).toBe(activities.hostTaskQueue('hv1'));
  });
});
