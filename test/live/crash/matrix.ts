import { afterAll, beforeEach, expect, it, type TestContext } from 'vitest';
import { faults, type Fault, type FaultName } from './faults.ts';
import { spotsByStep, type Spot } from './points.ts';
import { summary } from './summary.ts';
import { tryCell, type Outcome } from './trial.ts';
import type { World } from './world.ts';

/** Chains of incrementals get no longer than this. */
const chainLength = 16;

/** Declares the tests of cells in one world, one after the other, and a table of what came of all of them. */
export class Matrix {
  readonly #world: World;
  readonly #outcomes: Outcome[] = [];
  #declared = 0;

  constructor(world: World) {
    this.#world = world;
    beforeEach(async () => {
      if (world.sinceFull >= chainLength) await world.beginAnew();
    });
    afterAll(async () => {
      console.log(summary(this.#outcomes));
      await world[Symbol.asyncDispose]();
    });
  }

  /** One fault at each of these spots. */
  at(fault: FaultName, spots: readonly Spot[]): void {
    for (const spot of spots)
      it(`${this.#next()}: ${fault} ${spot.moment} ${spot.point}`, async (context) => {
        this.#need(fault, context);
        // How often a job is asked for differs with the time that it takes: one of these tries comes there.
        let outcome = await this.#try(fault, [spot]);
        for (let more = 2; more > 0 && !outcome.hit; more--)
          outcome = await this.#try(fault, [spot]);
        expect(outcome).toMatchObject({ hit: true, wrong: [] });
      });
  }

  /** One fault at one spot of each of these steps; of all steps if none are named. */
  onceAStep(fault: FaultName, points: readonly string[], steps?: readonly string[]): void {
    for (const [step, tries] of spotsByStep(points, fault)) {
      if (steps && !steps.includes(step)) continue;
      it(`${this.#next()}: ${fault} in ${step}`, async (context) => {
        this.#need(fault, context);
        for (const spots of tries) {
          const { hit, wrong } = await this.#try(fault, spots);
          expect(wrong).toEqual([]);
          if (hit) return;
        }
        context.skip(`${fault}: nothing to strike in ${step}`);
      });
    }
  }

  async #try(fault: FaultName, spots: readonly Spot[]): Promise<Outcome> {
    const outcome = await tryCell(this.#world, { fault, spots });
    if (outcome.wrong.length > 0) console.log(outcome);
    this.#outcomes.push(outcome);
    return outcome;
  }

  #need(fault: FaultName, context: TestContext): void {
    const { need }: Fault = faults[fault];
    need?.(context, this.#world.stage.machine);
  }

  #next(): number {
    return ++this.#declared;
  }
}
