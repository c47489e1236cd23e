import type { VmConfig } from '../../model/vm-config.ts';
import type { Check } from './check.ts';
import { examineAgent } from './examine-agent.ts';
import { examineQmp } from './examine-qmp.ts';

/** One VM of this host: its QMP socket, what its QEMU can do, who manages it, its disks, its agent. Changes nothing. */
export async function examineVm(config: VmConfig, signal: AbortSignal): Promise<Check[]> {
  const found = [...(await examineQmp(config, signal)), ...(await examineAgent(config, signal))];
  return found.map((check) => Object.assign(check, { vm: config.vm }));
}
