import { setHandler } from '@temporalio/workflow';
import type { ExportResult } from '../model/export.ts';
import { completeUpdate, discardUpdate } from './signals.ts';

type Decision = 'complete' | 'discard';

/** The consumer of an export: what it decides, by an update, once it may. It is answered with what came of it. */
export class Consumer {
  #open = false;
  #decision: Decision | undefined;
  readonly #outcome: Promise<ExportResult>;
  #settle: (outcome: Promise<ExportResult>) => void = () => {};

  constructor() {
    this.#outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
    // Where nobody has decided nobody hears it.
    this.#outcome.catch(() => undefined);
    for (const [update, decision] of [
      [completeUpdate, 'complete'],
      [discardUpdate, 'discard'],
    ] as const)
      setHandler(update, () => this.#decide(decision), {
        validator: () => this.#check(decision),
        description: descriptions[decision],
      });
  }

  get decision(): Decision | undefined {
    return this.#decision;
  }

  /** From now on it may decide: everything can be read. */
  open(): void {
    this.#open = true;
  }

  close(): void {
    this.#open = false;
  }

  /** What it hears when it has decided, as soon as that is known. */
  async answeredBy(outcome: Promise<ExportResult>): Promise<ExportResult> {
    this.#settle(outcome);
    return outcome;
  }

  /** Said again, it is answered again. */
  #check(decision: Decision): void {
    if (this.#decision === decision) return;
    if (this.#decision !== undefined) throw new Error(`the export is decided: ${this.#decision}`);
    if (!this.#open) throw new Error('the export is not served now');
  }

  async #decide(decision: Decision): Promise<ExportResult> {
    this.#decision = decision;
    return this.#outcome;
  }
}

const descriptions = {
  complete: 'I have read all that I want: keep this instant as a checkpoint',
  discard: 'I have not: undo the export',
};
