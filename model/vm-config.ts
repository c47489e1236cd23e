import type { z } from 'zod';
import type { OnError, Quiesce, Shield, Tier } from './choices.ts';
import type { ExportsSetting } from './exports-setting.ts';
import type { Inventory } from './inventory.ts';

const defaults = {
  quiesce: 'preferred',
  maxFreezeSeconds: 10,
  targetStallSeconds: 60,
  maxBytesPerSecond: 0,
  onSourceError: 'report',
  onTargetError: 'report',
  operatorWaitSeconds: 86_400,
  scratchBytes: 10 * 1024 ** 3,
  keepSegments: 32,
  exportSeconds: 86_400,
  allowLibvirt: false,
} as const;

/** One VM with every setting decided. */
export type VmConfig = {
  readonly vm: string;
  readonly host: string;
  readonly qmp: string;
  readonly agent: string | undefined;
  readonly repository: string;
  readonly snapshots: string | undefined;
  readonly disks: readonly string[] | undefined;
  readonly quiesce: Quiesce;
  readonly shield: Shield | undefined;
  readonly freezeMountpoints: readonly string[] | undefined;
  readonly tier: Tier | undefined;
  readonly maxFreezeSeconds: number;
  readonly targetStallSeconds: number;
  readonly maxBytesPerSecond: number;
  readonly onSourceError: OnError;
  readonly onTargetError: OnError;
  readonly operatorWaitSeconds: number;
  readonly scratchBytes: number;
  readonly keepSegments: number;
  readonly exports: z.infer<typeof ExportsSetting>;
  readonly exportSeconds: number;
  readonly allowLibvirt: boolean;
};

/** The VM of that name with all defaults filled in, or undefined when the inventory has none. `hostName` is the machine's own. */
export function vmConfig(inventory: Inventory, vm: string, hostName: string): VmConfig | undefined {
  const own = Object.hasOwn(inventory.vms, vm) ? inventory.vms[vm] : undefined;
  if (!own) return undefined;
  const given = { ...defaults, ...inventory.defaults, ...own };
  return {
    vm,
    host: own.host ?? inventory.host ?? hostName,
    qmp: own.qmp,
    agent: own.agent,
    repository: own.repository ?? inventory.repository,
    snapshots: own.snapshots,
    disks: own.disks,
    quiesce: given.quiesce,
    shield: given.shield,
    freezeMountpoints: given.freezeMountpoints,
    tier: given.tier,
    maxFreezeSeconds: given.maxFreezeSeconds,
    targetStallSeconds: given.targetStallSeconds,
    maxBytesPerSecond: given.maxBytesPerSecond,
    onSourceError: given.onSourceError,
    onTargetError: given.onTargetError,
    operatorWaitSeconds: given.operatorWaitSeconds,
    scratchBytes: given.scratchBytes,
    keepSegments: given.keepSegments,
    exports: given.exports ?? {},
    exportSeconds: given.exportSeconds,
    allowLibvirt: given.allowLibvirt,
  };
}
