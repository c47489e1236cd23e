import { ApplicationFailure, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import { BackupAbortedError, NoOperatorError, NotWaitingError } from '../activities/errors.ts';
import type { Halt } from '../model/halt.ts';
import type { BackupPlan } from '../model/plan.ts';
import type { Report } from './report.ts';
import { abortUpdate, resumeUpdate, type ResumeRequest } from './signals.ts';
import type { Steps } from './steps.ts';
import { whatHalted } from './what-halted.ts';

/** What an operator says to a copy that stands still: the updates `resume` and `abort`, refused while none is asked for. */
export class Operator {
  readonly #report: Report;
  #resume: ((force: boolean) => Promise<void>) | undefined;
  #answer: 'resume' | 'abort' | undefined;
  /** How many answers are still being carried out, one after another. */
  #underWay = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(vm: string, report: Report) {
    this.#report = report;
    setHandler(
      resumeUpdate,
      async (request: ResumeRequest) => this.#inTurn(vm, request?.force === true),
      {
        validator: (_request: ResumeRequest) => this.#refuseUnlessWaiting(vm),
        description: 'Try again what failed, if the backup waits for an operator.',
      },
    );
    setHandler(abortUpdate, () => void (this.#answer = 'abort'), {
      validator: () => this.#refuseUnlessWaiting(vm),
      description: 'Undo the backup, if it waits for an operator.',
    });
  }

  /** Copies to the end. Where the copy stands still an operator is waited for, and the copy looked after meanwhile. */
  async copy(steps: Steps, plan: BackupPlan): Promise<void> {
    for (;;) {
      this.#report.enter('copying');
      const halt = await steps.watchCopy(plan);
      if (!halt) return;
      await this.#waitFor(steps, plan, halt);
      this.#report.goesOn();
    }
  }

  /** Of several that say it at once the first has the copy go on, and if he cannot, the next tries. */
  async #inTurn(vm: string, force: boolean): Promise<void> {
    const resumed = this.#resumeAfter(this.#last, vm, force);
    this.#underWay++;
    this.#last = resumed.catch(() => undefined).finally(() => this.#underWay--);
    await resumed;
  }

  async #resumeAfter(before: Promise<void>, vm: string, force: boolean): Promise<void> {
    await before;
    if (this.#answer === 'resume') return;
    this.#refuseUnlessWaiting(vm);
    await this.#resume?.(force);
    this.#answer ??= 'resume';
  }

  #refuseUnlessWaiting(vm: string): void {
    if (this.#resume && this.#answer === undefined) return;
    const message = `${vm}: the backup does not wait for an operator`;
    throw ApplicationFailure.nonRetryable(message, NotWaitingError.name);
  }

  async #waitFor(steps: Steps, plan: BackupPlan, halt: Halt): Promise<void> {
    // A plan without it is one of before, and none of its jobs ever stands still.
    const { vm, operatorWaitSeconds: seconds = 0 } = plan;
    this.#answer = undefined;
    this.#resume = async (force) => steps.resumeCopy({ plan, force });
    this.#report.waits(halt, new Date(Date.now() + seconds * 1_000));
    const waiting = new CancellationScope();
    try {
      const isOver = await waiting.run(async () =>
        Promise.race([steps.watchHalt(plan).then(() => true), this.#isAnsweredWithin(seconds)]),
      );
      if (this.#answer === 'abort')
        throw ApplicationFailure.create({
          message: `${vm}: an operator aborted the backup, which waited for one`,
          type: BackupAbortedError.name,
        });
      if (!isOver)
        throw ApplicationFailure.create({
          message: `${vm}: nobody said within ${seconds} s what is to become of a copy that stood still: ${whatHalted(halt)}`,
          type: NoOperatorError.name,
        });
    } finally {
      this.#resume = undefined;
      // The one that looks after the copy, and the timer.
      waiting.cancel();
    }
  }

  /** An answer that came in time counts, although what it asks for is done later. */
  async #isAnsweredWithin(seconds: number): Promise<boolean> {
    const isAnswered = () => this.#answer !== undefined;
    if (await condition(isAnswered, seconds * 1_000)) return true;
    await condition(() => isAnswered() || this.#underWay === 0);
    return isAnswered();
  }
}
