import { UnknownVmError } from '../inventory/errors.ts';
import type { Inventory } from '../model/inventory.ts';
import { vmConfig } from '../model/vm-config.ts';
import { ExportRequest } from '../model/export.ts';
import { BackupRequest, type ParsedRequest } from '../model/request.ts';
import { parseInput } from './parse-input.ts';

/** What the control worker's activities need. */
export type ControlDependencies = {
  readonly inventory: Inventory;
  readonly inventoryFile: string;
  /** The machine's own name, for VMs whose host the inventory leaves out. */
  readonly hostName: string;
  /** Whether Temporal knows our search attributes: an unknown one would wedge a workflow that upserts it. */
  readonly indexed: () => boolean;
};

/** Where a VM is, and the request with all its defaults. */
export type Location = {
  readonly vm: string;
  readonly host: string;
  readonly taskQueue: string;
  readonly maxFreezeSeconds: number;
  readonly indexed: boolean;
  readonly parsed: ParsedRequest;
};

/** Where a VM is whose disks are exported. */
export type ExportLocation = Location & { readonly exportSeconds: number };

/** The task queue of the worker on a host. */
export function hostTaskQueue(host: string): string {
  return `stillpoint-host-${host}`;
}

/**
 * Finds a VM's host and checks the request. A bad request is a `RequestError`, a VM that the inventory does not name
 * an `UnknownVmError`. Reads only what the worker has in memory.
 */
export function locateVm(dependencies: ControlDependencies, input: unknown): Location {
  return locate(dependencies, parseInput(BackupRequest, 'backupVm', input));
}

/** The same for an export, with the time that its consumer has. */
export function locateExport(dependencies: ControlDependencies, input: unknown): ExportLocation {
  const { since, kind, ...rest } = parseInput(ExportRequest, 'exportBackup', input);
  // What has changed since a chosen start is what a differential holds.
  const parsed: ParsedRequest =
    since === undefined ? { ...rest, kind } : { ...rest, kind: 'differential', since };
  const { inventory, hostName } = dependencies;
  const location = locate(dependencies, parsed);
  const config = vmConfig(inventory, parsed.vm, hostName);
  return { ...location, exportSeconds: config?.exportSeconds ?? 0 };
}

function locate(dependencies: ControlDependencies, parsed: ParsedRequest): Location {
  const { inventory, inventoryFile, hostName } = dependencies;
  const config = vmConfig(inventory, parsed.vm, hostName);
  if (!config) throw new UnknownVmError(inventoryFile, parsed.vm, Object.keys(inventory.vms));
  return {
    vm: parsed.vm,
    host: config.host,
    taskQueue: hostTaskQueue(config.host),
    maxFreezeSeconds: config.maxFreezeSeconds,
    indexed: dependencies.indexed(),
    parsed,
  };
}

/** The activities of the control queue. */
export function createControlActivities(dependencies: ControlDependencies) {
  return {
    locateVm: async (request: unknown): Promise<Location> => locateVm(dependencies, request),
    locateExport: async (request: unknown): Promise<ExportLocation> =>
      locateExport(dependencies, request),
  };
}

export type ControlActivities = ReturnType<typeof createControlActivities>;
