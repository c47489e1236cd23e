import { describe, expect, it } from 'vitest';
import { listenOf, uriOf } from '../../activities/served-at.ts';
import type { VmSite } from '../../activities/vm-site.ts';
import { statePaths } from '../../host/state-paths.ts';
import type { VmConfig } from '../../model/vm-config.ts';

function siteWith(exports: VmConfig['exports'], state = '/var/lib/stillpoint'): VmSite {
  const config = { vm: 'web1', host: 'hv1', exports } as VmConfig;
  return { config, paths: statePaths(state) } as Partial<VmSite> as VmSite;
}

const cases = [
  {
    title: 'a socket in the state folder',
    exports: {},
    listen: { path: '/var/lib/stillpoint/run/web1/nbd.sock' },
    uri: 'nbd+unix:///vd0?socket=/var/lib/stillpoint/run/web1/nbd.sock',
  },
  {
    title: 'a port of the loopback',
    exports: { listen: '127.0.0.1:10809' },
    listen: { host: '127.0.0.1', port: '10809' },
    uri: 'nbd://127.0.0.1:10809/vd0',
  },
  {
    title: 'a port with certificates',
    exports: { listen: 'hv1.example:10810', tlsCreds: '/etc/pki/qemu' },
    listen: { host: 'hv1.example', port: '10810', tlsCreds: '/etc/pki/qemu' },
    uri: 'nbds://hv1.example:10810/vd0',
  },
  {
    title: 'every address, which is found by the host’s name',
    exports: { listen: '0.0.0.0:10810', tlsCreds: '/etc/pki/qemu' },
    listen: { host: '0.0.0.0', port: '10810', tlsCreds: '/etc/pki/qemu' },
    uri: 'nbds://hv1:10810/vd0',
  },
  {
    title: 'an address of IPv6',
    exports: { listen: '[::1]:10809' },
    listen: { host: '::1', port: '10809' },
    uri: 'nbd://[::1]:10809/vd0',
  },
];
for (const { title, exports, listen, uri } of cases)
  it(`serves at ${title}`, () => {
    expect(listenOf(siteWith(exports))).toEqual(listen);
    expect(uriOf(siteWith(exports), 'vd0')).toBe(uri);
  });

describe('the URI of a socket', () => {
  it('holds a path with spaces and question marks', () => {
    expect(uriOf(siteWith({}, '/a b?c'), 'vd0')).toBe(
      'nbd+unix:///vd0?socket=/a%20b%3Fc/run/web1/nbd.sock',
    );
  });
});
