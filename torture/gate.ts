/** Lets one through at a time: a write of the guest, or an instant, while which nothing is written. */
export class Gate {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** Whether somebody is inside, or waits. */
  get busy(): boolean {
    return this.#waiting > 0;
  }

  /** Resolves when it is one's turn, with what ends it; that may be called again. */
  async enter(): Promise<() => void> {
    const before = this.#last;
    let leave = () => {};
    this.#last = new Promise((resolve) => {
      leave = resolve;
    });
    this.#waiting++;
    await before;
    let inside = true;
    return () => {
      if (inside) this.#waiting--;
      inside = false;
      leave();
    };
  }

  async through<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.enter();
    try {
      return await work();
    } finally {
      leave();
    }
  }
}
