import { z } from 'zod';
import { Bytes } from './bytes.ts';
import { BytesPerSecond, OnError, Quiesce, Shield, Tier } from './choices.ts';
import { ExportsSetting } from './exports-setting.ts';
import { MountPoint } from './names.ts';

/** Settings that `defaults` gives to every VM and each VM may override. */
export const VmSettings = z.strictObject({
  quiesce: Quiesce.exactOptional().describe(
    'Freeze the guest file systems around the instant: `required` (else the backup fails), `preferred` (else it is crash-consistent and says so) or `off`.',
  ),
  shield: Shield.exactOptional().describe(
    'What stands between the guest and the target: `fleece` (QEMU 4.0 and newer, the default from 7.1 on) or `none`.',
  ),
  freezeMountpoints: z
    .array(MountPoint)
    .min(1)
    .max(100)
    .exactOptional()
    .describe(
      'Freeze the file systems mounted there in the guest, and no others. Default: all. One that is not frozen then counts as the whole: `quiesce: required` fails, `preferred` warns and calls the backup crash-consistent.',
    ),
  tier: Tier.exactOptional().describe(
    'How a backup is taken: `fleece`, `fleece-job`, `direct`, `merge` or `grouped`. For tests: the default is the best that the QEMU has.',
  ),
  maxFreezeSeconds: z
    .int()
    .min(1)
    .max(60)
    .exactOptional()
    .describe('The guard thaws the guest and lets it run after this long, whatever else happens.'),
  targetStallSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .exactOptional()
    .describe(
      'A copy that makes no progress for this long is given up, and the VM freed. Its last flush, which shows no progress, gets the time to write what waits in memory at 4 MiB/s on top.',
    ),
  maxBytesPerSecond: Bytes.pipe(BytesPerSecond)
    .exactOptional()
    .describe(
      'How fast each disk is copied at most, per second; 64KiB at least, 0 is no limit. It can be changed while a backup runs.',
    ),
  onSourceError: OnError.exactOptional().describe(
    'What becomes of a copy that cannot read a disk: `report` (the backup fails), `ignore` (tries again every second, for `targetStallSeconds`), `stop` (waits for an operator) or `enospc` (waits for want of room, else fails).',
  ),
  onTargetError: OnError.exactOptional().describe(
    'The same for a copy that cannot write to its target. `enospc` lets a backup outlive a full repository.',
  ),
  operatorWaitSeconds: z
    .int()
    .min(1)
    .max(604_800)
    .exactOptional()
    .describe('How long a copy that waits for an operator waits. Then it is undone.'),
  scratchBytes: Bytes.exactOptional().describe(
    'Budget of each disk for the guest writes during a copy, on the host. When it is full the backup fails, never the guest.',
  ),
  keepSegments: z
    .int()
    .min(1)
    .max(1000)
    .exactOptional()
    .describe(
      'How many bitmap segments a disk keeps at most. Each costs memory and time at shutdown.',
    ),
  exports: ExportsSetting.exactOptional().describe(
    'Where an export is served: `listen`, an address and port, else a unix socket in the state folder; `tlsCreds`, a folder of certificates, needed for any address but the loopback.',
  ),
  exportSeconds: z
    .int()
    .min(1)
    .max(604_800)
    .exactOptional()
    .describe('An export that is neither completed nor discarded for this long is undone.'),
  allowLibvirt: z
    .boolean()
    .exactOptional()
    .describe(
      'Back up although libvirt manages the VM, whose own backups and snapshots could then collide.',
    ),
});
