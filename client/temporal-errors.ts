import { isGrpcServiceError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { TemporalRefusedError, TemporalUnreachableError } from './errors.ts';

/** @see https://grpc.io/docs/guides/status-codes/ */
const noAnswer = new Set([4 /* DEADLINE_EXCEEDED */, 14 /* UNAVAILABLE */]);

/** Turns an error of the Temporal SDK into one that says what to do. What is not of the connection stays as it is. */
export function explained(
  error: unknown,
  { address, namespace }: { address: string; namespace: string },
): unknown {
  if (error instanceof NamespaceNotFoundError)
    return new TemporalRefusedError(
      `Temporal at ${address} has no namespace ${namespace}. Create it (\`temporal operator namespace create --namespace ${namespace}\`) or name another: \`temporal.namespace\` in the inventory, or TEMPORAL_NAMESPACE.`,
      { cause: error },
    );
  const answer = grpcError(error);
  if (answer === undefined) return error;
  if (noAnswer.has(answer.code)) return unreachable(address, error);
  return new TemporalRefusedError(`Temporal at ${address} refused: ${answer.details}`, {
    cause: error,
  });
}

/** Nobody answers at the address. */
export function unreachable(address: string, cause?: unknown): TemporalUnreachableError {
  return new TemporalUnreachableError(
    `Temporal does not answer at ${address}. Is the server running there? For one on this machine: \`temporal server start-dev --db-filename temporal.db\`. Its address is \`temporal.address\` in the inventory, or TEMPORAL_ADDRESS.`,
    { cause },
  );
}

function grpcError(error: unknown): { code: number; details: string } | undefined {
  if (isGrpcServiceError(error)) return error;
  return error instanceof Error && isGrpcServiceError(error.cause) ? error.cause : undefined;
}
