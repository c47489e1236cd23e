import { z } from 'zod';
import { Inventory } from '../model/inventory.ts';
import { vmConfig } from '../model/vm-config.ts';
import { ExportRequest } from '../model/export.ts';
import { BackupRequest } from '../model/request.ts';

/** What this page needs of a JSON schema. */
type Schema = {
  type?: string;
  format?: string;
  description?: string;
  default?: string | number | boolean | object | undefined;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
};

/** The text of `docs/configuration.md`, made from the schemas, so that it cannot say anything else than they do. */
export function configurationPage(): string {
  const inventory = z.toJSONSchema(Inventory, { io: 'input' }) as Schema;
  const request = z.toJSONSchema(BackupRequest, { io: 'input' }) as Schema;
  const exported = z.toJSONSchema(ExportRequest, { io: 'input' }) as Schema;
  const { vms, defaults, temporal } = inventory.properties ?? {};
  const vm = vms?.additionalProperties as Schema;
  const settings = new Set(Object.keys(defaults?.properties ?? {}));
  const decided: Record<string, Schema['default']> = {
    ...vmConfig(Inventory.parse({ repository: '/', vms: { vm: { qmp: '/' } } }), 'vm', ''),
  };
  const ofVm = Object.entries(vm.properties ?? {});

  return `<!-- Made by \`npm run docs\` from the schemas and defaults in model/. Edit those. -->

# Configuration

One YAML file describes the fleet, or one per host describes its own VMs: \`--config FILE\`, else \`./stillpoint.yaml\`,
else \`/etc/stillpoint.yaml\`. A host's worker serves only what its own copy allows, so a request can name a VM, never a path.
Mistakes are reported all at once, each with file, line and column. A key that is not listed here is a mistake.

\`\`\`yaml
repository: /srv/backups
vms:
  web1:
    qmp: /run/qemu/web1/qmp.sock
    agent: /run/qemu/web1/qga.sock
\`\`\`

Sizes are written \`10GiB\`, \`512MiB\` or in bytes. Two VMs of one host cannot share a socket.

## The file

${table(Object.entries(inventory.properties ?? {}), inventory.required)}

## \`temporal\`

${table(Object.entries(temporal?.properties ?? {}), [])}

What is not given here comes from the \`TEMPORAL_*\` variables, then from the profile of the Temporal CLI
(\`TEMPORAL_PROFILE\`, \`TEMPORAL_CONFIG_FILE\`), then from the default. TLS certificates and API keys come from there alone:
\`TEMPORAL_API_KEY\`, \`TEMPORAL_TLS_CLIENT_CERT_PATH\`, \`TEMPORAL_TLS_CLIENT_KEY_PATH\`, \`TEMPORAL_TLS_SERVER_CA_CERT_PATH\`,
\`TEMPORAL_TLS_SERVER_NAME\`.

## \`vms.NAME\`

A name is 1 to 63 letters, digits, \`.\`, \`_\`, \`-\`; a letter or digit first, no two dots in a row.

${table(
  ofVm.filter(([key]) => !settings.has(key)),
  vm.required,
)}

## \`defaults\` and \`vms.NAME\`

These may stand in either; the VM's own wins.

${table(
  ofVm
    .filter(([key]) => settings.has(key))
    .map(([key, schema]) => [key, { ...schema, default: decided[key] }]),
  [],
)}

## The request

The input of the workflow \`backupVm\`, as JSON: \`temporal workflow start --task-queue stillpoint --type backupVm
--workflow-id backup/web1 --input '{"vm":"web1"}'\`. What is left out comes from the inventory.

${table(Object.entries(request.properties ?? {}), request.required)}

## The request of an export

The input of the workflow \`exportBackup\`, whose id is \`export/web1\` ([exports](exports.md)).

${table(Object.entries(exported.properties ?? {}), exported.required)}
`;
}

function table(keys: [key: string, schema: Schema][], required: readonly string[] = []): string {
  const rows = keys.map(
    ([key, schema]) =>
      `| \`${key}\` | ${typeOf(schema)} | ${defaultOf(schema, required.includes(key))} | ${cell(schema.description)} |`,
  );
  return ['| Key | Type | Default | What it is |', '|---|---|---|---|', ...rows].join('\n');
}

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((choice) => `\`${choice}\``).join(', ');
  if (schema.anyOf) return 'size';
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}s`;
  if (schema.type === 'object') return 'map';
  if (schema.format === 'starts_with') return 'absolute path';
  if (schema.type === 'integer') return `whole number, ${schema.minimum} to ${schema.maximum}`;
  return schema.type ?? '';
}

function defaultOf(schema: Schema, isRequired: boolean): string {
  if (isRequired) return 'required';
  const value = schema.default;
  if (value === undefined || typeof value === 'object') return '';
  return schema.anyOf && value !== 0 ? `\`${Number(value) / 1024 ** 3}GiB\`` : `\`${value}\``;
}

function cell(text = ''): string {
  return text.replaceAll('|', String.raw`\|`);
}
