import type { Shield } from '../../model/choices.ts';
import type { Phase } from './lease.ts';

/** What decides whether a guard may go. */
export type Situation = {
  readonly shield: Shield;
  readonly phase: Phase;
  /** A freeze was sent, and the agent has not said since that the guest is thawed. */
  readonly mayBeFrozen: boolean;
  /** It was told to go, and has given up what it had to. */
  readonly ended: boolean;
  /** The lease is broken, and the VM was freed. */
  readonly released: boolean;
  readonly deadlinePassed: boolean;
  readonly idlePassed: boolean;
  /** How many are connected to it, or to QMP through it. */
  readonly connections: number;
};

/**
 * Whether there is nothing left to guard. A guest that may be frozen is never left. Behind a shield the guard goes once
 * the instant is over, so that QMP is free again; without one it watches over the copy until it is told to go.
 */
export function mayGo(situation: Situation): boolean {
  if (situation.mayBeFrozen) return false;
  if (situation.ended) return true;
  if (situation.phase === 'ready') return situation.idlePassed && situation.connections === 0;
  if (situation.shield === 'none') return false;
  if (situation.phase === 'taken') return situation.connections === 0 || situation.deadlinePassed;
  return situation.phase === 'broken' && situation.released;
}
