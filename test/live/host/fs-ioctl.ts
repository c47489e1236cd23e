import type { GuestShell } from '../../../lab/guest-shell.ts';

/** @see linux/fs.h, FIFREEZE and FITHAW */
const requests = { freeze: 0xc0_04_58_77, thaw: 0xc0_04_58_78 };

/**
 * Freezes or thaws one mounted file system in the guest as `fsfreeze` of util-linux does, past the guest agent. The
 * guest's busybox has no such tool, so one is written there: it opens a folder, sends the ioctl and exits with its errno.
 */
export async function tellFileSystem(
  guest: GuestShell,
  what: keyof typeof requests,
  folder: string,
): Promise<void> {
  const program = elf(requests[what]).toString('base64');
  const path = `/run/${what}`;
  await guest.run(`echo ${program} | base64 -d >${path} && chmod +x ${path} && ${path} ${folder}`);
}

/** The smallest program for x86_64 Linux: one header, one segment, no sections. @see elf(5) */
function elf(request: number): Buffer {
  const at = 0x40_00_00n;
  const headers = 64 + 56;
  const code = Buffer.from(
    [
      '488b7c2410', // mov rdi, [rsp + 16]: the first argument
      '31f6', // xor esi, esi: O_RDONLY
      'b802000000', // mov eax, 2: open
      '0f05',
      '89c7', // mov edi, eax
      `be${uint32(request)}`, // mov esi, request
      '31d2',
      'b810000000', // mov eax, 16: ioctl
      '0f05',
      '89c7',
      'f7df', // neg edi: the errno
      'b83c000000', // mov eax, 60: exit
      '0f05',
    ].join(''),
    'hex',
  );
  const program = Buffer.alloc(headers + code.length);
  program.write('7f454c46020101', 0, 'hex');
  program.writeUInt16LE(2, 16); // an executable
  program.writeUInt16LE(62, 18); // x86_64
  program.writeUInt32LE(1, 20);
  program.writeBigUInt64LE(at + BigInt(headers), 24); // its entry
  program.writeBigUInt64LE(64n, 32); // the program header
  program.writeUInt16LE(64, 52);
  program.writeUInt16LE(56, 54);
  program.writeUInt16LE(1, 56);
  program.writeUInt32LE(1, 64); // to be loaded
  program.writeUInt32LE(5, 68); // and to be read and run
  program.writeBigUInt64LE(at, 80);
  program.writeBigUInt64LE(at, 88);
  program.writeBigUInt64LE(BigInt(program.length), 96);
  program.writeBigUInt64LE(BigInt(program.length), 104);
  program.writeBigUInt64LE(0x1000n, 112);
  code.copy(program, headers);
  return program;
}

function uint32(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString('hex');
}
