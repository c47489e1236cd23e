import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { compare } from '../../../lab/compare.ts';
import type { BackupPlan } from '../../../model/plan.ts';
import type { Rig } from './rig.ts';

/** What every disk of a rig's machine held at one instant: raw copies, taken while no guest writes. */
export type Oracle = ReadonlyMap<string, string>;

/** Copies every disk now. Only on a machine whose guest does not write: at prelaunch, or with its workload at rest. */
export async function copyDisks(rig: Rig, plan: BackupPlan): Promise<Oracle> {
  const copies = new Map<string, string>();
  for (const [index, disk] of rig.machine.disks.entries()) {
    await rig.machine.device(disk).flush();
    const copy = join(rig.folder, `oracle-${plan.backupId}-${index}.raw`);
    await execa('qemu-img', ['convert', '-U', '-f', disk.format, '-O', 'raw', disk.path, copy]);
    copies.set(disk.path, copy);
  }
  return copies;
}

/** The file of a published disk, as plain `qemu-img` opens it. */
export function publishedFile(rig: Rig, backupId: string, device: string): string {
  return join(rig.repositoryFolder, 'vm', backupId, `${device}.qcow2`);
}

/** Every disk of a published backup holds what the oracle says, byte by byte. */
export async function expectSame(rig: Rig, plan: BackupPlan, oracle: Oracle): Promise<void> {
  expect(plan.disks).toHaveLength(oracle.size);
  expect(await differing(rig, plan, oracle)).toEqual([]);
}

/** The disks of a published backup that do not hold what the oracle says. */
export async function differing(rig: Rig, plan: BackupPlan, oracle: Oracle): Promise<string[]> {
  const devices: string[] = [];
  for (const copy of oracle.values()) {
    const device = await deviceOf(plan, copy);
    const file = publishedFile(rig, plan.backupId, device);
    const outcome = await compare(file, copy);
    if (outcome !== 'identical') devices.push(`${device}: ${outcome}`);
  }
  return devices;
}

/** The plan's name for the disk that was copied, known by its size: every disk of a rig has one of its own. */
async function deviceOf(plan: BackupPlan, copy: string): Promise<string> {
  const { size } = await stat(copy);
  const match = plan.disks.filter(({ virtualBytes }) => virtualBytes === size);
  expect(match, 'disks of one size cannot be told apart').toHaveLength(1);
  return match[0]?.device ?? '';
}
