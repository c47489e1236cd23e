import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainOf, tidyingOf } from '../../model/segments.ts';
import { DiskHistory } from './disk-history.ts';

type Event = (history: DiskHistory) => void;

const small = fc.nat({ max: 11 });
const writes = fc.array(small, { maxLength: 3 });
const kind = fc.constantFrom('auto' as const, 'full' as const, 'differential' as const);
const keep = fc.integer({ min: 1, max: 6 });

function writing(history: DiskHistory, blocks: readonly number[]): void {
  for (const block of blocks) history.write(block);
}

/** Each names itself, so that a counterexample can be read. */
function event<T extends unknown[]>(
  name: string,
  inputs: { [K in keyof T]: fc.Arbitrary<T[K]> },
  happens: (history: DiskHistory, ...inputs: T) => void,
): fc.Arbitrary<Event> {
  return fc.tuple<T>(...inputs).map((values) =>
    Object.assign((history: DiskHistory) => happens(history, ...values), {
      toString: () => `${name}(${JSON.stringify(values)})`,
    }),
  );
}

const written = event<[number[]]>('writes', [writes], writing);
const published = event<[Parameters<DiskHistory['decide']>[0], number[], number]>(
  'published',
  [kind, writes, keep],
  (history, kind, during, keep) => {
    const taken = history.take(kind);
    writing(history, during);
    history.publish(taken, keep);
  },
);
const since = event<[number]>('since', [small], (history, position) => {
  const ids = [...history.published.keys()];
  const taken = history.take('differential', ids[position % ids.length]);
  history.publish(taken, 32);
});
const died = event<[Parameters<DiskHistory['decide']>[0], number[]]>(
  'died',
  [kind, writes],
  (history, kind, during) => {
    history.take(kind);
    writing(history, during);
  },
);
const tidied = event<[]>('tidied', [], (history) => history.tidy());
const tidiedInPart = event<[number]>('tidiedInPart', [small], (history, commands) =>
  history.tidy(commands),
);
const restarted = event<[]>('restarted', [], (history) => history.restart());
const killed = event<[]>('killed', [], (history) => history.kill());
const grown = event<[]>('grown', [], (history) => history.grow());
const pruned = event<[number]>('pruned', [small], (history, which) => history.prune(which));
const lost = event<[number]>('lost', [small], (history, which) => history.lose(which));
const overlaid = event<[]>('overlaid', [], (history) => history.putOverlay());

const events = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: written },
    { weight: 6, arbitrary: published },
    { weight: 4, arbitrary: died },
    { weight: 3, arbitrary: tidied },
    { weight: 3, arbitrary: tidiedInPart },
    { weight: 2, arbitrary: since },
    { weight: 2, arbitrary: pruned },
    { weight: 1, arbitrary: fc.oneof(restarted, killed, grown, lost, overlaid) },
  ),
  { minLength: 5, maxLength: 40, size: 'max' },
);

function after(keepsBitmaps: boolean, events: readonly Event[]): DiskHistory {
  const history = new DiskHistory({ keepsBitmaps });
  for (const happens of events) happens(history);
  return history;
}

const runs = { numRuns: 1_000 };

describe('whatever happens to a disk', () => {
  it('each backup that is published restores to what the disk held at its instant', () => {
    fc.assert(
      fc.property(fc.boolean(), events, (keepsBitmaps, events) => {
        const history = after(keepsBitmaps, events);
        history.publish(history.take('auto'), 32);

        expect(history.wrong).toEqual([]);
      }),
      runs,
    );
  });

  it('the backup after a published one is an incremental upon it', () => {
    fc.assert(
      fc.property(fc.boolean(), events, kind, writes, (keepsBitmaps, events, kind, blocks) => {
        const history = after(keepsBitmaps, events);
        const taken = history.take(kind);
        history.publish(taken, 1);
        writing(history, blocks);

        expect(history.decide('auto')).toMatchObject({
          reason: 'changes-since-parent',
          parent: taken.backupId,
        });
      }),
      runs,
    );
  });

  it('tidying ends with a head that is published, or with no segment at all', () => {
    fc.assert(
      fc.property(fc.boolean(), events, (keepsBitmaps, events) => {
        const history = after(keepsBitmaps, events);

        history.tidy();

        const seen = history.bitmaps.map((bitmap) => ({ ...bitmap, dirtyBytes: 0 }));
        const disk = { device: 'vd0', bitmaps: seen };
        const [head] = chainOf(disk);
        const isPublished = (backupId: string) => history.published.has(backupId);
        expect(tidyingOf(disk, isPublished)).toEqual([]);
        expect(head ? isPublished(head.backupId) : seen.length === 0).toBe(true);
      }),
      runs,
    );
  });

  it('tidying and dying take no parent away that there was', () => {
    fc.assert(
      fc.property(fc.boolean(), events, small, (keepsBitmaps, events, commands) => {
        const history = after(keepsBitmaps, events);
        const before = history.decide('auto').parent;

        history.tidy(commands);
        history.take('auto');
        history.tidy(commands);

        expect(history.decide('auto').parent).toBe(before);
      }),
      runs,
    );
  });
});
