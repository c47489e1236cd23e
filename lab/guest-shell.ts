import { bounded } from '../qemu/bounded.ts';
import { connectUnix, type Transport } from '../qemu/qmp/transport.ts';
import { GuestCommandError } from './errors.ts';

type Answer = { readonly exitCode: number; readonly output: string };

/**
 * Runs commands in the guest over the lab's own port, beside the guest agent, which belongs to the product. The other
 * end is `setup/guest/shell`: it runs each command beside the next, so one that waits for a frozen disk stops no other.
 */
export class GuestShell {
  readonly #transport: Transport;
  readonly #pending = new Map<string, (answer: Answer) => void>();
  #nextId = 1;

  private constructor(transport: Transport) {
    this.#transport = transport;
    void this.#read();
  }

  /** Connects to the port. What is sent before the guest has booted waits for it. */
  static async connect(socketPath: string, signal: AbortSignal): Promise<GuestShell> {
    return new GuestShell(await connectUnix(socketPath, signal));
  }

  /**
   * Runs one line of shell as root in the guest and returns what it printed. `GuestCommandError` when it fails or does
   * not end in time (default 30 s); it then still runs.
   */
  async run(
    command: string,
    { timeoutMs = 30_000, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<string> {
    const id = String(this.#nextId++);
    const answer = new Promise<Answer>((resolve) => this.#pending.set(id, resolve));
    this.#transport.send(`${id} ${command}`);
    const late = () => new GuestCommandError(command, `no answer within ${timeoutMs} ms`);
    const { exitCode, output } = await bounded(answer, { timeoutMs, signal, late }).finally(() =>
      this.#pending.delete(id),
    );
    if (exitCode === 0) return output;
    throw new GuestCommandError(command, `exit code ${exitCode}: ${output}`, exitCode);
  }

  close(): void {
    this.#transport.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const line of this.#transport.lines) {
        const [id = '', exitCode = '', output = ''] = line.trim().split(' ');
        const text = Buffer.from(output, 'base64').toString().trimEnd();
        this.#pending.get(id)?.({ exitCode: Number(exitCode), output: text });
      }
    } catch {
      // The guest's QEMU is gone: whoever waits for an answer sees that none comes in time.
    }
  }
}
