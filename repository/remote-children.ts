import { RepositoryUnreachableError } from './errors.ts';
import { RemoteChild } from './remote-child.ts';

/**
 * The child processes of one repository. One is kept warm for the short calls, which share it. A long call takes it
 * for itself, so that no hanging short one can end it, and brings it back unless there is a new one.
 */
export class RemoteChildren {
  readonly #folder: string;
  readonly #entry: string;
  readonly #maxAbandoned: number;
  /** All whose process is not gone. */
  readonly #alive = new Set<RemoteChild>();
  #warm: RemoteChild | undefined;
  #closed = false;

  constructor(folder: string, entry: string, maxAbandoned: number) {
    this.#folder = folder;
    this.#entry = entry;
    this.#maxAbandoned = maxAbandoned;
  }

  /** Lends the shared child. */
  async share<T>(use: (child: RemoteChild) => Promise<T>): Promise<T> {
    if (!this.#warm || this.#warm.abandoned) this.#warm = this.#fork();
    return use(this.#warm);
  }

  /** Lends a child that nobody else has. */
  async lend<T>(use: (child: RemoteChild) => Promise<T>): Promise<T> {
    const idle = this.#warm && !this.#warm.abandoned && !this.#warm.busy ? this.#warm : undefined;
    const child = idle ?? this.#fork();
    if (idle) this.#warm = undefined;
    try {
      return await use(child);
    } finally {
      if (!this.#warm && !this.#closed) this.#warm = child;
      else child.abandon('not needed any more');
    }
  }

  /** Ends all children, whatever they do. */
  close(): void {
    this.#closed = true;
    for (const child of this.#alive) child.abandon('closed');
  }

  #fork(): RemoteChild {
    const stuck = [...this.#alive].filter((child) => child.abandoned).length;
    if (this.#closed || stuck >= this.#maxAbandoned)
      throw new RepositoryUnreachableError(
        this.#closed
          ? `${this.#folder}: closed`
          : `${this.#folder}: ${stuck} processes hang in it and cannot be killed: look whether it is mounted and its server answers`,
        { folder: this.#folder },
      );
    const child = new RemoteChild(this.#folder, this.#entry);
    this.#alive.add(child);
    void child.ended.then(() => this.#alive.delete(child));
    return child;
  }
}
