/**
 * With `oob` QEMU queues 8 commands behind the one that it runs and then stops reading, so that behind a hung
 * command even `yank` out of band would not get in.
 * @see monitor/qmp.c, QMP_REQ_QUEUE_LEN_MAX
 */
const MAX_UNANSWERED = 7;

/** Holds commands back while QEMU owes answers to many, also to ones that nobody waits for any more. */
export class SendWindow {
  readonly #write: (line: string) => void;
  readonly #unanswered = new Set<string>();
  #waiting: { id: string; line: string }[] = [];

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  send(id: string, line: string): void {
    this.#waiting.push({ id, line });
    this.#fill();
  }

  /** Lets the next ones through. Harmless for an id that is not ours. */
  answered(id: string): void {
    this.#unanswered.delete(id);
    this.#fill();
  }

  /** Takes back a command that was not sent yet, so that QEMU never runs it. Says whether it was so. */
  takeBack(id: string): boolean {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((command) => command.id !== id);
    return this.#waiting.length < before;
  }

  #fill(): void {
    while (this.#unanswered.size < MAX_UNANSWERED) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#unanswered.add(next.id);
      this.#write(next.line);
    }
  }
}
