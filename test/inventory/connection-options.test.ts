import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectionOptions } from '../../inventory/connection-options.ts';
import { TemporalProfileError } from '../../inventory/errors.ts';

let folder: string;
let profile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'profile-'));
  profile = join(folder, 'temporal.toml');
  await writeFile(
    profile,
    `[profile.default]
address = "profile:7233"
namespace = "from-profile"
[profile.cloud]
address = "cloud:7233"
api_key = "key"
`,
  );
});

afterEach(() => rm(folder, { recursive: true }));

describe('connectionOptions', () => {
  it('is the local server when nothing is said', () => {
    const { connection, namespace } = connectionOptions({ temporal: {} }, {});

    expect([connection.address, namespace]).toEqual(['127.0.0.1:7233', 'default']);
  });

  it('takes the profile of the Temporal CLI', () => {
    const { connection, namespace } = connectionOptions(
      { temporal: {} },
      { TEMPORAL_CONFIG_FILE: profile },
    );

    expect([connection.address, namespace]).toEqual(['profile:7233', 'from-profile']);
  });

  it('prefers the variables to the profile', () => {
    const { connection, namespace } = connectionOptions(undefined, {
      TEMPORAL_CONFIG_FILE: profile,
      TEMPORAL_ADDRESS: 'variable:7233',
    });

    expect([connection.address, namespace]).toEqual(['variable:7233', 'from-profile']);
  });

  it('prefers the inventory to both', () => {
    const { connection, namespace } = connectionOptions(
      { temporal: { address: 'inventory:7233', namespace: 'from-inventory' } },
      { TEMPORAL_CONFIG_FILE: profile, TEMPORAL_ADDRESS: 'variable:7233' },
    );

    expect([connection.address, namespace]).toEqual(['inventory:7233', 'from-inventory']);
  });

  it('turns TLS on with an API key', () => {
    const { connection } = connectionOptions(undefined, {
      TEMPORAL_CONFIG_FILE: profile,
      TEMPORAL_PROFILE: 'cloud',
    });

    expect(connection).toMatchObject({ address: 'cloud:7233', apiKey: 'key', tls: true });
  });

  it('says that a profile is not there', () => {
    const ask = () => connectionOptions(undefined, { HOME: folder, TEMPORAL_PROFILE: 'gone' });

    expect(ask).toThrow(TemporalProfileError);
    expect(ask).toThrow("Profile 'gone' not found in config data");
  });
});
