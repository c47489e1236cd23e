import { execa } from 'execa';
import { StillpointClient } from '../client/stillpoint-client.ts';
import { median, spread } from './median.ts';
import { buildSite, type Site } from './site.ts';

const rounds = 5;
const MiB = 1024 ** 2;
const diskBytes = 512 * MiB;

/** A full export of 512 MiB: from the thaw until it can be read, and how fast `nbdcopy` reads it, beside the bare image. */
export async function benchExport(): Promise<string[]> {
  await using site = await buildSite({ disks: [{ virtualBytes: diskBytes }] });
  const { machine, product } = site;
  const device = machine.device(machine.disk());
  for (let offset = 0; offset < diskBytes; offset += 64 * MiB)
    await device.write(1 + offset / MiB / 64, { offset, bytes: 64 * MiB });
  await device.flush();
  const connection = { address: product.temporal.address };
  await using client = await StillpointClient.connect({ connection, namespace: 'default' });

  const bare: number[] = [];
  const ours: number[] = [];
  const servedAfter: number[] = [];
  for (let round = 0; round < rounds; round++) {
    bare.push(await tookMs(['--', '[', ...serving(machine.disk().path), ']', 'null:']));
    const running = await client.startExport({ vm: 'vm', kind: 'full' });
    const [served] = await running.served();
    ours.push(await tookMs([served?.uri ?? '', 'null:']));
    await running.complete();
    servedAfter.push(await thawToServedMs(site));
  }
  return [
    'export of 512 MiB from the page cache, read in full by nbdcopy',
    `  thawed to served       ${spread(servedAfter, 'ms')}${median(servedAfter) > 1_000 ? '  (bar: 1000 ms)' : ''}`,
    `  the bare image         ${spread(bare, 'ms')}`,
    `  the export             ${spread(ours, 'ms')}: ${(median(bare) / median(ours)).toFixed(2)} of its speed  (bar: 0.9)`,
  ];
}

/** A server of the image alone, which the machine has open. */
function serving(path: string): string[] {
  const image = `driver=qcow2,force-share=on,file.driver=file,file.filename=${path}`;
  return ['qemu-nbd', '-r', '--image-opts', image];
}

async function tookMs(args: readonly string[]): Promise<number> {
  const start = performance.now();
  await execa('nbdcopy', args);
  return performance.now() - start;
}

type Event = {
  readonly eventTime: string;
  readonly eventId: string;
  readonly activityTaskScheduledEventAttributes?: { readonly activityType: { name: string } };
  readonly activityTaskCompletedEventAttributes?: { readonly scheduledEventId: string };
};

/** By Temporal's clock, hops and all. */
async function thawToServedMs({ product }: Site): Promise<number> {
  const { cli, address } = product.temporal;
  const which = ['--workflow-id', 'export/vm', '--address', address, '--output', 'json'];
  const { stdout } = await execa(cli, ['workflow', 'show', ...which]);
  const { events } = JSON.parse(stdout) as { events: Event[] };
  const endOf = (activity: string) => {
    const begun = events.find(
      (event) => event.activityTaskScheduledEventAttributes?.activityType.name === activity,
    );
    const ended = events.find(
      (event) => event.activityTaskCompletedEventAttributes?.scheduledEventId === begun?.eventId,
    );
    return Date.parse(ended?.eventTime ?? '');
  };
  return endOf('startExport') - endOf('thawGuest');
}
