import { describe, expect, it } from 'vitest';
import { InventoryError } from '../../inventory/errors.ts';
import { parseInventory } from '../../inventory/parse.ts';

const valid = `
repository: /srv/backups
vms:
  web1:
    qmp: /run/qemu/web1/qmp.sock
    agent: /run/qemu/web1/qga.sock
    scratchBytes: 10GiB
`;

/** The error that a text provokes. */
function mistakeIn(text: string): InventoryError {
  try {
    parseInventory(text, 'stillpoint.yaml');
  } catch (error) {
    if (error instanceof InventoryError) return error;
    throw error;
  }
  throw new Error('the text is a valid inventory');
}

describe('parseInventory', () => {
  it('reads an inventory and fills in the defaults', () => {
    const inventory = parseInventory(valid, 'stillpoint.yaml');

    expect(inventory).toEqual({
      temporal: {},
      repository: '/srv/backups',
      state: '/var/lib/stillpoint',
      sweepSeconds: 300,
      defaults: {},
      vms: {
        web1: {
          qmp: '/run/qemu/web1/qmp.sock',
          agent: '/run/qemu/web1/qga.sock',
          scratchBytes: 10 * 1024 ** 3,
        },
      },
    });
  });

  it('keeps a VM name that looks like a number as it is written', () => {
    const inventory = parseInventory(
      'repository: /r\nvms: { 007: { qmp: /q }, 1e3: { qmp: /p } }',
      'stillpoint.yaml',
    );

    expect(Object.keys(inventory.vms)).toEqual(['007', '1e3']);
  });

  it('lets VMs on different hosts have sockets of the same path', () => {
    const inventory = parseInventory(
      'repository: /r\nvms: { a: { qmp: /q, host: hv1 }, b: { qmp: /q, host: hv2 } }',
      'stillpoint.yaml',
    );

    expect(Object.keys(inventory.vms)).toEqual(['a', 'b']);
  });

  const mistakes = [
    {
      title: 'names the line and column of a value that is wrong',
      text: 'repository: /r\nvms:\n  web1:\n    qmp: run/qmp.sock\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:4:10
✖ must be an absolute path
  → at vms.web1.qmp`,
    },
    {
      title: 'points at an unknown key itself',
      text: 'repository: /r\nvms:\n  web1:\n    qmp: /q\n    agnet: /a\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:5:5
✖ Unrecognized key: "agnet"
  → at vms.web1`,
    },
    {
      title: 'points at the VM in which something is missing',
      text: 'repository: /r\nvms:\n  web1:\n    agent: /a\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:4:5
✖ Invalid input: expected string, received undefined
  → at vms.web1.qmp`,
    },
    {
      title: 'says what a VM name is when one is not',
      text: 'repository: /r\nvms:\n  ok: { qmp: /p }\n  web..1:\n    qmp: /q\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:4:3
✖ a VM name is 1 to 63 letters, digits, ".", "_", "-", a letter or digit first, no two dots in a row
  → at vms["web..1"]`,
    },
    {
      title: 'tells all mistakes at once, in the order of the file',
      text: 'vms:\n  web1:\n    qmp: /q\n    quiesce: maybe\n    scratchBytes: 10 gigs\n    disks: []\n    shield:\nrepository: r\n',
      message: `stillpoint.yaml: the inventory has 5 mistakes
stillpoint.yaml:4:14
✖ Invalid option: expected one of "required"|"preferred"|"off"
  → at vms.web1.quiesce
stillpoint.yaml:5:19
✖ a size looks like 10GiB, 512MiB or 1048576
  → at vms.web1.scratchBytes
stillpoint.yaml:6:12
✖ Too small: expected array to have >=1 items
  → at vms.web1.disks
stillpoint.yaml:7:12
✖ Invalid option: expected one of "fleece"|"none"
  → at vms.web1.shield
stillpoint.yaml:8:13
✖ must be an absolute path
  → at repository`,
    },
    {
      title: 'says of a value with two possible forms what both expect',
      text: 'repository: /r\nvms: { web1: { qmp: /q, scratchBytes: true } }\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:2:39
✖ Invalid input: expected number, received boolean, or Invalid input: expected string, received boolean
  → at vms.web1.scratchBytes`,
    },
    {
      title: 'points into the list at the item that is wrong',
      text: 'repository: /r\nvms:\n  web1:\n    qmp: /q\n    disks: [vd0, 1]\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:5:18
✖ Invalid input: expected string, received number
  → at vms.web1.disks[1]`,
    },
    {
      title: 'follows an alias to the value it stands for',
      text: 'repository: /r\nvms:\n  a: &a { qmp: /q, keepSegments: 0 }\n  b: *a\n',
      message: `stillpoint.yaml: the inventory has 2 mistakes
stillpoint.yaml:3:34
✖ Too small: expected number to be >=1
  → at vms.a.keepSegments
stillpoint.yaml:3:34
✖ Too small: expected number to be >=1
  → at vms.b.keepSegments`,
    },
    {
      title: 'refuses a key given twice',
      text: 'repository: /r\nvms:\n  web1: { qmp: /q }\n  web1: { qmp: /p }\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:4:3
✖ Map keys must be unique`,
    },
    {
      title: 'refuses a socket given twice on one host',
      text: 'repository: /r\nvms:\n  web1: { qmp: /q }\n  web2:\n    qmp: /q\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:5:10
✖ is the same socket as vms.web1.qmp, and each serves one client
  → at vms.web2.qmp`,
    },
    {
      title: 'refuses what is not YAML',
      text: 'repository: /r\nvms: { web1: { qmp: /q }\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:3:1
✖ Flow map in block collection must be sufficiently indented and end with a }`,
    },
    {
      title: 'refuses a tag that nobody resolves',
      text: 'repository: !include other.yaml\nvms: {}\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:1:13
✖ Unresolved tag: !include`,
    },
    {
      title: 'refuses a file of several documents',
      text: 'repository: /r\nvms: {}\n---\nrepository: /s\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:3:1
✖ One document only: remove this line`,
    },
    {
      title: 'says that an empty file is empty, comments or not',
      text: '# nothing yet\n',
      message:
        'stillpoint.yaml: the inventory is empty. It needs a `repository` and `vms`, see docs/configuration.md.',
    },
    {
      title: 'says of a list that a map is expected',
      text: '- web1\n',
      message: `stillpoint.yaml: the inventory has a mistake
stillpoint.yaml:1:1
✖ Invalid input: expected object, received array`,
    },
  ];
  it.each(mistakes.map((one) => [one.title, one] as const))('%s', (_, { text, message }) => {
    expect(mistakeIn(text).message).toBe(message);
  });

  it('carries the place of the first mistake for programs', () => {
    const error = mistakeIn('repository: /r\nvms:\n  web1:\n    qmp: q\n    agent: a\n');

    expect(error).toMatchObject({ file: 'stillpoint.yaml', line: 4, column: 10 });
  });

  it('refuses aliases that unfold without bound', () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const below = level === 0 ? 'x' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array(9).fill(below).join(', ')}]`;
    });

    const error = mistakeIn(levels.join('\n'));

    expect(error.message).toBe(
      'stillpoint.yaml: the aliases (*name) of this file unfold into too much. Write the values out.',
    );
  });
});
