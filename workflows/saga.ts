import { CancellationScope } from '@temporalio/workflow';

type Step = () => Promise<void>;

/** Remembers how to undo what a workflow has done so far. */
export class Saga {
  readonly #undos: Step[] = [];

  /**
   * Call before the step it undoes: a step that timed out may still have taken effect, so every undo must also
   * succeed when there is nothing to undo.
   */
  onFailure(undo: Step): void {
    this.#undos.push(undo);
  }

  /** Runs the steps. If they fail or are cancelled, undoes everything, newest first, and throws the cause. */
  async run<T>(steps: () => Promise<T>): Promise<T> {
    try {
      return await steps();
    } catch (cause) {
      await CancellationScope.nonCancellable(async () => {
        for (const undo of this.#undos.toReversed()) await undo();
      });
      throw cause;
    }
  }
}
