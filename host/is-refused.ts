import { errorCode } from '../files/system-error.ts';
import { AgentConnectError, QmpConnectError } from '../qemu/errors.ts';

/** Whether a connection failed because nobody listens on the socket: its QEMU has gone, or is about to. */
export function isRefused(error: unknown): boolean {
  const origin = error instanceof AgentConnectError ? error.cause : error;
  if (!(origin instanceof QmpConnectError)) return false;
  return ['ENOENT', 'ECONNREFUSED'].includes(errorCode(origin.cause) ?? '');
}
