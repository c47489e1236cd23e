import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endReceiver } from '../../../qemu/receiver/end-receiver.ts';
import { findReceivers } from '../../../qemu/receiver/find-receivers.ts';

/** A folder that goes with all that is in it, receivers included. */
export class TemporaryFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<TemporaryFolder> {
    return new TemporaryFolder(await mkdtemp(join(tmpdir(), 'sp-')));
  }

  at(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of await findReceivers(this.path)) await endReceiver(pid, 0);
    await rm(this.path, { recursive: true });
  }
}
