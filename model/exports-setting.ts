import { z } from 'zod';
import { AbsolutePath } from './names.ts';

/** Where QEMU serves the disks of an export. */
export const ExportsSetting = z
  .strictObject({
    listen: z
      .string()
      .regex(/^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$/, {
        error: 'an address to listen on looks like 127.0.0.1:10809',
      })
      .exactOptional()
      .describe('Address and port. Default: a unix socket in the state folder.'),
    tlsCreds: AbsolutePath.exactOptional().describe(
      "Folder of QEMU's certificates (`ca-cert.pem`, `server-cert.pem`, `server-key.pem`). Clients need one of the same authority.",
    ),
  })
  .refine(
    ({ listen, tlsCreds }) => tlsCreds !== undefined || listen === undefined || isLoopback(listen),
    {
      path: ['listen'],
      error:
        'everybody who reaches this address could read the disks: set `tlsCreds` too, or listen on 127.0.0.1',
    },
  )
  .refine(({ listen, tlsCreds }) => tlsCreds === undefined || listen !== undefined, {
    path: ['tlsCreds'],
    error: 'certificates are for an address: set `listen` too',
  });

function isLoopback(listen: string): boolean {
  return /^(127\.[0-9]+\.[0-9]+\.[0-9]+|localhost|\[::1\]):/.test(listen);
}
