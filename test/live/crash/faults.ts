import { isGrpcServiceError } from '@temporalio/client';
import { vi, type TestContext } from 'vitest';
import { vm } from '../../../demo/stage.ts';
import { findGuard } from '../../../host/guard/find-guard.ts';
import { statePaths } from '../../../host/state-paths.ts';
import type { Machine } from '../../../lab/machine.ts';
import { findReceivers } from '../../../qemu/receiver/find-receivers.ts';
import { eventually } from '../../host/eventually.ts';
import { needReboots } from '../rig/need.ts';
import type { World } from './world.ts';

/** @see https://grpc.io/docs/guides/status-codes/ */
const NOT_FOUND = 5;

/** One thing that can go wrong, at whatever moment. */
export type Fault = {
  /** Does it, while the process that was about to have an effect, or just had it, stands still. */
  readonly strike: (world: World) => Promise<void | 'nothing there'>;
  /** What an operator, or a service manager, does afterwards. */
  readonly recover?: (world: World) => Promise<void>;
  /** Skips the test, with the reason, on a QEMU that does not outlive it, with or without a backup. */
  readonly need?: (context: TestContext, machine: Machine) => void;
  /** Nothing but this end will do. Left out, any that says what happened. */
  readonly ends?: 'completed' | 'cancelled' | 'terminated';
};

const restartWorker = async ({ stage }: World) => stage.product.restartWorker();

/** Whether the guest runs and is thawed. */
async function isFree({ stage }: World): Promise<boolean> {
  const { running } = await stage.machine.labQmp.execute('query-status', {});
  return running && !stage.agentTap.frozen;
}

const restartMachine = async (world: World) => {
  await world.stage.machine.restart();
  await world.settleIn();
  await world.startWriting();
};

export const faults = {
  'worker killed': {
    strike: async ({ stage }) => stage.product.killWorker(),
    recover: restartWorker,
    ends: 'completed',
  },
  'worker asked to end': {
    strike: async ({ stage }) => void process.kill(stage.product.workerPid, 'SIGTERM'),
    recover: async (world) => {
      await eventually(() => !world.stage.product.workerLives);
      await restartWorker(world);
    },
    ends: 'completed',
  },
  'worker stopped': {
    strike: async ({ stage }) => void process.kill(stage.product.workerPid, 'SIGSTOP'),
    recover: async (world) => {
      // The guest gets free without it.
      await eventually(() => isFree(world));
      process.kill(world.stage.product.workerPid, 'SIGCONT');
    },
  },
  'guard killed': {
    strike: async ({ stage }) => {
      const guard = await findGuard(statePaths(stage.product.state), vm);
      if (guard === undefined) return 'nothing there';
      process.kill(guard, 'SIGKILL');
    },
  },
  'QEMU killed': {
    strike: async ({ stage }) => stage.machine.kill(),
    recover: restartMachine,
  },
  'guest reset': {
    strike: async ({ stage }) => {
      await stage.machine.labQmp.execute('human-monitor-command', {
        'command-line': 'system_reset',
      });
      // What was frozen is gone with its memory.
      stage.agentTap.forget();
    },
    // What is asked before its shell is there is lost.
    recover: async (world) => {
      const { guest } = world.stage.machine;
      await vi.waitFor(() => guest.run('true', { timeoutMs: 3_000 }), 90_000);
      await world.startWriting();
    },
    need: needReboots,
  },
  'guest powered off': {
    strike: async ({ stage }) => stage.machine.quit(),
    recover: restartMachine,
  },
  'receivers killed': {
    strike: async ({ stage }) => {
      const receivers = await findReceivers(statePaths(stage.product.state).vm(vm).run);
      for (const { pid } of receivers) process.kill(pid, 'SIGKILL');
      if (receivers.length === 0) return 'nothing there';
    },
  },
  'QMP cut': { strike: async ({ stage }) => somethingWas(stage.tap.cut()) },
  'agent cut': { strike: async ({ stage }) => somethingWas(stage.agentTap.cut()) },
  'Temporal killed': {
    strike: async ({ stage }) => stage.product.temporal.kill(),
    recover: async ({ stage }) => stage.product.temporal.restart(),
    ends: 'completed',
  },
  cancelled: { strike: async ({ stage }) => void (await stage.client.cancelRun(vm)) },
  terminated: {
    strike: async ({ workflow }) => void (await workflow.terminate('by the matrix')),
    ends: 'terminated',
  },
  'activity paused': {
    strike: async (world) => pauseActivities(world, true),
    recover: async (world) => void (await pauseActivities(world, false)),
    ends: 'completed',
  },
  'workflow reset': { strike: async (world) => resetWorkflow(world) },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

export const faultNames = Object.keys(faults) as FaultName[];

const somethingWas = (count: number) => (count === 0 ? 'nothing there' : undefined);

async function pauseActivities(
  { workflow, temporal }: World,
  pause: boolean,
): Promise<void | 'nothing there'> {
  const { raw } = await workflow.describe();
  const { workflowService } = temporal;
  let found = 0;
  for (const { activityType } of raw.pendingActivities ?? []) {
    const request = {
      namespace: 'default',
      execution: { workflowId: workflow.workflowId },
      type: activityType?.name ?? '',
      identity: 'matrix',
    };
    const asked = pause
      ? workflowService.pauseActivity(request)
      : workflowService.unpauseActivity(request);
    // The attempt that was at work may have ended meanwhile, and the step with it.
    await asked.then(
      () => found++,
      (error: unknown) => {
        const code: number | undefined = isGrpcServiceError(error) ? error.code : undefined;
        if (code !== NOT_FOUND) throw error;
      },
    );
  }
  return somethingWas(found);
}

/** To its first point: every step runs again, against a VM that is not as it was. */
async function resetWorkflow({ workflow, temporal }: World): Promise<void> {
  const { events } = await workflow.fetchHistory();
  const first = events?.find((event) => event.workflowTaskCompletedEventAttributes);
  await temporal.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: workflow.workflowId },
    workflowTaskFinishEventId: first?.eventId ?? null,
    requestId: `reset-${Date.now()}`,
    reason: 'by the matrix',
  });
}
