/** Something that happens once, and that others wait for. */
export class Gate {
  readonly opened: Promise<void>;
  #open: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** May be called again. */
  open(): void {
    this.#open();
  }
}
