import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import { RequestError } from '../activities/errors.ts';
import { bandwidthUpdate } from './signals.ts';

type Set = (bytesPerSecond: number) => Promise<void>;

/** Takes the update `setBandwidth`. It waits for `ready` to give the way to the host, which is not known at first. */
export function takeBandwidth(vm: string, ready: () => Set | undefined): void {
  setHandler(
    bandwidthUpdate,
    async ({ bytesPerSecond }) => {
      await condition(() => ready() !== undefined);
      await ready()?.(bytesPerSecond);
    },
    {
      description: 'How fast each disk is copied from now on, in bytes per second; 0 is no limit.',
      validator: (request: { readonly bytesPerSecond: number } | undefined) => {
        const bytes: unknown = request?.bytesPerSecond;
        if (typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0) return;
        const message = `${vm}: setBandwidth: bytesPerSecond is to be a whole number of bytes, 0 for no limit`;
        throw ApplicationFailure.nonRetryable(message, RequestError.name);
      },
    },
  );
}
