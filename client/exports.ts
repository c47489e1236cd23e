import { WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { ExportRequest } from '../model/export.ts';
import { ExportRunningError, NoExportRunningError, UsageError } from './errors.ts';
import { RunningExport } from './running-export.ts';
import { startWorkflow } from './start-workflow.ts';
import type { TemporalLink } from './temporal-link.ts';
import { exportIdOf } from './workflow-ids.ts';

/** Starts an export. A request that makes no sense is a `UsageError`; when one runs already, `ExportRunningError`. */
export async function startExport(
  link: TemporalLink,
  request: ExportRequest,
): Promise<RunningExport> {
  const parsed = ExportRequest.safeParse(request);
  if (!parsed.success) throw new UsageError(z.prettifyError(parsed.error));
  const { vm, kind } = parsed.data;
  const which = await startWorkflow(link, {
    vm,
    type: 'exportBackup',
    workflowId: exportIdOf(vm),
    request,
    staticSummary: `Export of ${vm} (${kind})`,
    staticDetails: `Its query \`status\` says where to read. Then: \`stillpoint export-complete ${vm}\`, or \`stillpoint export-discard ${vm}\`.`,
    busy: (...running) => new ExportRunningError(...running),
  });
  return new RunningExport(link, which);
}

/** The export of a VM that runs. `NoExportRunningError` when none does. */
export async function runningExport(link: TemporalLink, vm: string): Promise<RunningExport> {
  const workflowId = exportIdOf(vm);
  try {
    const handle = link.client.workflow.getHandle(workflowId);
    const { runId, status } = await link.call(() => handle.describe());
    if (status.name === 'RUNNING') return new RunningExport(link, { vm, workflowId, runId });
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
  throw new NoExportRunningError(vm);
}
