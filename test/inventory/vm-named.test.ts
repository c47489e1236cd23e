import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { UnknownVmError } from '../../inventory/errors.ts';
import { parseInventory } from '../../inventory/parse.ts';
import { vmNamed } from '../../inventory/vm-named.ts';

const inventory = parseInventory(
  'repository: /r\nvms: { web1: { qmp: /q }, web2: { qmp: /p, host: hv2 } }',
  'fleet.yaml',
);

describe('vmNamed', () => {
  it('decides every setting, the host too', () => {
    expect(vmNamed(inventory, 'web1', 'fleet.yaml')).toMatchObject({
      vm: 'web1',
      host: hostname(),
      repository: '/r',
      maxFreezeSeconds: 10,
    });
  });

  it('says which VMs there are when one is not', () => {
    expect(() => vmNamed(inventory, 'web3', 'fleet.yaml')).toThrow(
      new UnknownVmError('fleet.yaml', 'web3', ['web1', 'web2']),
    );
    expect(() => vmNamed(inventory, 'web3', 'fleet.yaml')).toThrow(
      'web3: fleet.yaml has no VM of that name. Those it has: web1, web2.',
    );
  });

  it('does not take a property of every object for a VM', () => {
    expect(() => vmNamed(inventory, 'constructor', 'fleet.yaml')).toThrow(UnknownVmError);
  });
});
