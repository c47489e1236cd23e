import { execa } from 'execa';

export type QemuVersion = { readonly major: number; readonly minor: number };

/** The version of that QEMU, as it says itself. One that says none is taken for a new one: its start tells what is wrong. */
export async function versionOfQemu([
  program = '',
  ...args
]: readonly string[]): Promise<QemuVersion> {
  const { stdout } = await execa(program, [...args, '--version'], { reject: false });
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  return { major: Number(major ?? Infinity), minor: Number(minor ?? 0) };
}

/** Whether HMP's `qemu-io` takes a device; below 5.1 it takes a drive or a node. */
export function knowsDevices({ major, minor }: QemuVersion): boolean {
  return major > 5 || (major === 5 && minor >= 1);
}
