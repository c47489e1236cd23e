import type { DiskOptions } from '../../../lab/machine-disk.ts';
import type { Machine } from '../../../lab/machine.ts';

/** A machine whose block layer is worth knowing. `arrange` brings it into the state that is looked at. */
export type Topology = {
  readonly name: string;
  readonly disks: readonly DiskOptions[];
  /** Beside what the lab says. */
  readonly options?: readonly string[];
  readonly arrange?: (machine: Machine) => Promise<void>;
};
