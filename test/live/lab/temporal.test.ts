import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { startTemporal } from '../../../lab/start-temporal.ts';

describe('startTemporal', () => {
  it('serves, and still knows its workflows after it was killed and started again', async () => {
    await using temporal = await startTemporal();
    const at = ['--address', temporal.address];
    await execa(temporal.cli, ['workflow', 'start', ...start, ...at]);
    const { pid, address } = temporal;

    await temporal.restart();

    expect(temporal.pid).not.toBe(pid);
    expect(temporal.address).toBe(address);
    // Asked for by its name: what is listed is written a moment later.
    const which = ['workflow', 'describe', '--workflow-id', 'kept', '-o', 'json'];
    const { stdout } = await execa(temporal.cli, [...which, ...at]);
    expect(JSON.parse(stdout)).toMatchObject({
      workflowExecutionInfo: { status: 'WORKFLOW_EXECUTION_STATUS_RUNNING' },
    });
  });

  it('serves the Web UI and its metrics where it says', async () => {
    await using temporal = await startTemporal({
      ui: true,
      dynamicConfig: { 'history.transferProcessorMaxPollRPS': 5000 },
    });
    expect((await fetch(temporal.uiUrl ?? '')).status).toBe(200);
    expect(await (await fetch(temporal.metricsUrl)).text()).toContain('service_name="frontend"');
  });
});

const start = ['--type', 'anything', '--task-queue', 'nobody', '--workflow-id', 'kept'];
