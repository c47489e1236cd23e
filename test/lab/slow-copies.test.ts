import { expect, it } from 'vitest';
import { slowCopies } from '../../lab/slow-copies.ts';

it('slows the copy jobs of a transaction, and nothing beside them', () => {
  const bitmap = { type: 'block-dirty-bitmap-add', data: { node: 'a', name: 'b' } };
  const job = { type: 'blockdev-backup', data: { 'job-id': 'j' } };
  const line = JSON.stringify({ execute: 'transaction', arguments: { actions: [bitmap, job] } });

  expect(JSON.parse(slowCopies(line, 1_000))).toEqual({
    execute: 'transaction',
    arguments: { actions: [bitmap, { ...job, data: { ...job.data, speed: 1_000 } }] },
  });
});

it('slows a copy job that is started alone', () => {
  const line = JSON.stringify({ execute: 'blockdev-backup', arguments: { 'job-id': 'j' }, id: 1 });

  expect(JSON.parse(slowCopies(line, 1_000))).toMatchObject({
    arguments: { 'job-id': 'j', speed: 1_000 },
    id: 1,
  });
});

it('leaves every other line as it is', () => {
  for (const line of ['{"execute": "stop"}', 'not JSON']) expect(slowCopies(line, 1)).toBe(line);
});
