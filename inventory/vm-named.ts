import { hostname } from 'node:os';
import type { Inventory } from '../model/inventory.ts';
import { vmConfig, type VmConfig } from '../model/vm-config.ts';
import { UnknownVmError } from './errors.ts';

/**
 * The VM of that name with every setting decided. Throws `UnknownVmError` when the inventory has none;
 * `file` is where the inventory came from, for that message.
 */
export function vmNamed(inventory: Inventory, vm: string, file: string): VmConfig {
  const config = vmConfig(inventory, vm, hostname());
  if (config === undefined) throw new UnknownVmError(file, vm, Object.keys(inventory.vms));
  return config;
}
