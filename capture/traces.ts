import { ourName, parseOurName, type Role } from '../model/names.ts';
import type { BackupPlan } from '../model/plan.ts';
import { segmentsOf } from '../model/segments.ts';
import { LeftoversError } from './errors.ts';
import { isOurs, type VmState } from './vm-state.ts';

/** The names of nodes and jobs of ours that are in the VM. */
export function ourTraces({ graph, jobs }: VmState): string[] {
  return [...graph.nodes, ...jobs.map(({ id }) => id)].filter(isOurs);
}

/** Whether a filter of ours stands between a disk and its target. */
export function isShielded({ graph }: VmState): boolean {
  return graph.nodes.some((node) => parseOurName(node)?.role === 'f');
}

/**
 * Throws a `LeftoversError` when an earlier attempt of this backup left a node or job in one of those roles, or a
 * segment where the instant is still to come: what such an attempt reached cannot be known, so it is undone.
 */
export function expectNone(state: VmState, plan: BackupPlan, roles: readonly Role[]): void {
  const found = ourTraces(state).find((name) => {
    const role = parseOurName(name)?.role;
    return role !== undefined && roles.includes(role);
  });
  const segment = roles.includes('f')
    ? state.disks
        .flatMap(({ bitmaps }) => segmentsOf(bitmaps))
        .find(({ backupId }) => backupId === plan.backupId)?.name
    : undefined;
  const trace = found ?? segment;
  if (trace !== undefined)
    throw new LeftoversError(`${trace}: an earlier attempt left it in the VM; starting anew`);
}

/** Throws a `LeftoversError` unless the VM has that node or job for every disk of the plan. */
export function expectAll(state: VmState, plan: BackupPlan, role: Role): void {
  const traces = ourTraces(state);
  for (const { index } of plan.disks) {
    const name = ourName(plan.backupId, index, role);
    if (!traces.includes(name))
      throw new LeftoversError(`${name}: it is not in the VM any more; starting anew`);
  }
}
