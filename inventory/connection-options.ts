import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import type { Inventory } from '../model/inventory.ts';
import { TemporalProfileError } from './errors.ts';

/** How to reach Temporal. `connection` suits both `Connection` of the client and `NativeConnection` of the worker. */
export type TemporalAddress = {
  readonly connection: ClientConnectConfig['connectionOptions'] & { readonly address: string };
  readonly namespace: string;
};

/**
 * Decides where Temporal is. For address and namespace, what stands further left wins: the inventory's `temporal`,
 * `TEMPORAL_*` variables, the profile of the Temporal CLI (`TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`), then
 * 127.0.0.1:7233 and `default`. TLS, API key and headers come from the variables and the profile alone.
 * Throws `TemporalProfileError`. @see https://docs.temporal.io/develop/environment-configuration
 */
export function connectionOptions(
  inventory?: Pick<Inventory, 'temporal'>,
  environment: NodeJS.ProcessEnv = process.env,
): TemporalAddress {
  const given = loadProfile(environment);
  return {
    connection: {
      ...given.connectionOptions,
      address: inventory?.temporal.address ?? given.connectionOptions.address ?? '127.0.0.1:7233',
    },
    namespace: inventory?.temporal.namespace ?? given.namespace ?? 'default',
  };
}

function loadProfile(environment: NodeJS.ProcessEnv): ClientConnectConfig {
  const variables = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  try {
    return loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(variables) });
  } catch (cause) {
    const file = environment['TEMPORAL_CONFIG_FILE'] ?? 'temporal.toml';
    throw new TemporalProfileError(
      file,
      `The settings of the Temporal CLI cannot be used: ${cause instanceof Error ? cause.message : String(cause)}. Look at the TEMPORAL_* variables and at ${file}.`,
      { cause },
    );
  }
}
