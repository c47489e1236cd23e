import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentDisconnectedError } from '../qemu/errors.ts';
import { AgentClient } from '../qemu/qga/client.ts';
import { QmpClient } from '../qemu/qmp/client.ts';
import { StartError } from './errors.ts';
import { GuestShell } from './guest-shell.ts';
import { LabProcess } from './lab-process.ts';
import type { MachineDisk } from './machine-disk.ts';
import { machineOptions, socketsIn, type GuestOptions } from './machine-options.ts';
import { QemuIo } from './qemu-io.ts';
import type { QemuVersion } from './qemu-version.ts';
import type { Setup } from './setup.ts';
import type { TempFolder } from './temp-folder.ts';

/** A busy machine with two cores boots a guest in 3 to 10 s. */
const BOOT_MS = 90_000;
const START_MS = 20_000;

/** QEMU's stdout would come in lumps, long after what it tells of. */
const LINE_BY_LINE = ['stdbuf', '-oL'];

/** What a machine is made of; it stays the same when it is started again. */
export type Blueprint = {
  readonly temp: TempFolder;
  readonly qemu: readonly string[];
  readonly version: QemuVersion;
  readonly disks: readonly MachineDisk[];
  readonly guest: GuestOptions | undefined;
  readonly setup: Setup;
  readonly outlive: boolean;
};

/** What lives as long as one QEMU process. */
export type Running = {
  readonly process: LabProcess;
  readonly qmp: QmpClient;
  readonly io: QemuIo;
  /** By a disk's path: how `query-block` names its device. */
  readonly devices: ReadonlyMap<string, string>;
  readonly shell: GuestShell | undefined;
};

/** Starts QEMU and waits until it answers, with a guest until its shell and its agent do. */
export async function runMachine(blueprint: Blueprint): Promise<Running> {
  const { temp, qemu, version, disks, guest, setup, outlive } = blueprint;
  const sockets = socketsIn(temp.path);
  // Those of a QEMU that was killed would refuse.
  await Promise.all(Object.values(sockets).map((path) => rm(path, { force: true })));
  const options = machineOptions({ folder: temp.path, disks, guest, setup, version });
  const log = join(temp.path, 'qemu.log');
  const process = await LabProcess.start([...LINE_BY_LINE, ...qemu, ...options], { log, outlive });
  try {
    const qmp = await process.ready('QEMU', START_MS, (signal) =>
      QmpClient.connect(sockets.labQmp, signal),
    );
    const shell = guest && (await boot(process, sockets));
    const blocks = await qmp.execute('query-block', {});
    const devices = blocks.flatMap(({ qdev, inserted }) =>
      qdev !== undefined && inserted ? [[inserted.file, qdev] as const] : [],
    );
    return { process, qmp, io: new QemuIo(qmp, log), devices: new Map(devices), shell };
  } catch (error) {
    await process.kill();
    throw error;
  }
}

/** The shell answers once the disks are mounted; the agent was started just before it. */
async function boot(
  process: LabProcess,
  sockets: ReturnType<typeof socketsIn>,
): Promise<GuestShell> {
  const gone = new AbortController();
  void process.exited().then(() => gone.abort(new StartError('QEMU ended while the guest booted')));
  const shell = await GuestShell.connect(sockets.shell, gone.signal);
  await shell.run('true', { timeoutMs: BOOT_MS, signal: gone.signal });
  await agentAnswers(sockets.agent, AbortSignal.any([gone.signal, AbortSignal.timeout(BOOT_MS)]));
  return shell;
}

/** QEMU 3.1 may hang up on one that comes beside another: the product, whose run goes on in the new QEMU. */
async function agentAnswers(socket: string, signal: AbortSignal): Promise<void> {
  for (;;)
    try {
      await using agent = await AgentClient.connect(socket, signal);
      await agent.ping(BOOT_MS, signal);
      return;
    } catch (error) {
      if (!(error instanceof AgentDisconnectedError)) throw error;
      await delay(100, undefined, { signal });
    }
}
