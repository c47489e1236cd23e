import type { Shield } from '../model/choices.ts';
import { direct } from './direct.ts';
import { fleece } from './fleece.ts';
import type { Capture } from './ports.ts';

/** The tier that gives a shield. */
export function captureFor(shield: Shield): Capture {
  return shield === 'fleece' ? fleece : direct;
}
