import { Context } from '@temporalio/activity';
import { Gate } from './gate.ts';

/**
 * A step that ends when it is cancelled, and then only when the test lets it: a worker that needs a moment to stop what
 * it does. Cancellation comes with a heartbeat's reply.
 */
export class HeldStep {
  readonly #started = new Gate();
  readonly #cancelled = new Gate();
  readonly #end = new Gate();

  /** Give this as the step's behaviour. */
  readonly run = async (): Promise<never> => {
    const context = Context.current();
    const timer = setInterval(() => context.heartbeat(), 50);
    this.#started.open();
    try {
      return await context.cancelled;
    } finally {
      clearInterval(timer);
      this.#cancelled.open();
      await this.#end.opened;
    }
  };

  get started(): Promise<void> {
    return this.#started.opened;
  }

  /** The step knows that it is cancelled, and is at work still. */
  get cancelled(): Promise<void> {
    return this.#cancelled.opened;
  }

  end(): void {
    this.#end.open();
  }
}
