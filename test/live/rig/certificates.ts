import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** Makes an authority, and a folder of certificates of it for QEMU and one for its clients, as both name the files. */
export async function makeCertificates(
  folder: string,
): Promise<{ server: string; client: string }> {
  const path = (name: string) => join(folder, name);
  const openssl = async (...args: string[]) => execa('openssl', args, { cwd: folder });
  await mkdir(folder);
  await writeFile(
    path('ca.cnf'),
    'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n',
  );
  await openssl(...request('ca', 'authority'));
  await openssl('x509', '-req', '-in', 'ca.csr', '-signkey', 'ca.key', ...signed('ca'));
  for (const [name, use] of [
    ['server', 'serverAuth'],
    ['client', 'clientAuth'],
  ] as const) {
    await mkdir(path(name));
    const usage = 'keyUsage=critical,digitalSignature,keyEncipherment';
    const names = 'subjectAltName=IP:127.0.0.1';
    await writeFile(path(`${name}.cnf`), `${usage}\nextendedKeyUsage=${use}\n${names}\n`);
    await openssl(...request(name, '127.0.0.1'));
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...by, ...signed(name));
    for (const [from, to] of [
      ['ca.pem', 'ca-cert.pem'],
      [`${name}.pem`, `${name}-cert.pem`],
      [`${name}.key`, `${name}-key.pem`],
    ] as const)
      await execa('cp', [path(from), join(path(name), to)]);
  }
  return { server: path('server'), client: path('client') };
}

function request(name: string, subject: string): string[] {
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`];
  return ['req', ...key, '-out', `${name}.csr`, '-subj', `/CN=${subject}`];
}

function signed(name: string): string[] {
  return ['-days', '2', '-extfile', `${name}.cnf`, '-out', `${name}.pem`];
}
