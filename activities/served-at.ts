import type { Listen } from '../capture/nbd-server.ts';
import type { VmSite } from './vm-site.ts';

/** Where the inventory has QEMU serve an export of this VM. */
export function listenOf({ config, paths }: VmSite): Listen {
  const { listen, tlsCreds } = config.exports;
  if (listen === undefined) return { path: paths.vm(config.vm).nbdSocket };
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replaceAll(/^\[|\]$/g, '');
  return { host, port: listen.slice(colon + 1), tlsCreds };
}

/** How a consumer names the export of a device. */
export function uriOf(site: VmSite, device: string): string {
  const listen = listenOf(site);
  if ('path' in listen)
    return `nbd+unix:///${device}?socket=${listen.path.split('/').map(encodeURIComponent).join('/')}`;
  const { port, tlsCreds } = listen;
  // Whoever listens everywhere is found by the host's own name.
  const host = ['0.0.0.0', '::'].includes(listen.host) ? site.config.host : listen.host;
  return `${tlsCreds === undefined ? 'nbd' : 'nbds'}://${host.includes(':') ? `[${host}]` : host}:${port}/${device}`;
}
