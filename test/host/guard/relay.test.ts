import { describe, expect, it } from 'vitest';
import { Relay } from '../../../host/guard/relay.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';
import type { Transport } from '../../../qemu/qmp/transport.ts';
import { FakeQemu, settled } from '../../qemu/qmp/fake-qemu.ts';

/** A relay whose guard has been greeted. */
async function relayed() {
  const qemu = new FakeQemu();
  const relay = new Relay(qemu.transport);
  qemu.greet();
  const signal = new AbortController().signal;
  const guard = await QmpClient.open(relay.own, { signal, what: 'guard' });
  return { qemu, relay, guard };
}

/** What a worker hears, from when it is attached. */
function heardBy(worker: Transport): { lines: string[]; ended: boolean } {
  const heard = { lines: [] as string[], ended: false };
  void (async () => {
    for await (const line of worker.lines) heard.lines.push(line);
    heard.ended = true;
  })();
  return heard;
}

describe('Relay', () => {
  it('greets a worker as QEMU did, and answers its capabilities itself', async () => {
    const { qemu, relay } = await relayed();

    const signal = new AbortController().signal;
    const worker = await QmpClient.open(relay.attach(), { signal, what: 'worker' });

    expect(worker.version).toEqual({ major: 7, minor: 2, micro: 22 });
    expect(qemu.commands.map(({ command }) => command)).toEqual(['qmp_capabilities']);
  });

  it('gives each answer to the side that asked', async () => {
    const { qemu, relay, guard } = await relayed();
    const signal = new AbortController().signal;
    const worker = await QmpClient.open(relay.attach(), { signal, what: 'worker' });

    const theirs = worker.execute('query-status', {});
    const ours = guard.execute('query-status', {});
    await settled();
    const [first, second] = qemu.afterOpening;
    qemu.answer(second?.id ?? '', { status: 'paused', running: false });
    qemu.answer(first?.id ?? '', { status: 'running', running: true });

    expect(await theirs).toMatchObject({ status: 'running' });
    expect(await ours).toMatchObject({ status: 'paused' });
  });

  it('keeps the answers to a worker from the guard', async () => {
    const qemu = new FakeQemu();
    const relay = new Relay(qemu.transport);
    const guard = heardBy(relay.own);
    const worker = relay.attach();
    worker.send('{"execute":"query-block","id":"theirs"}');

    qemu.answer('theirs', []);
    qemu.answer('ours', []);
    await settled();

    expect(guard.lines).toEqual(['{"return":[],"id":"ours"}']);
  });

  it('passes lines on as they are', async () => {
    const { qemu, relay } = await relayed();
    const worker = relay.attach();
    const heard = heardBy(worker);
    const line = '{ "execute":"stop",  "id":{"a":[1]} }';

    worker.send(line);
    qemu.say('{"return":   {}, "id": {"a": [1]}}');
    await settled();

    expect(qemu.sent.at(-1)).toBe(line);
    expect(heard.lines.at(-1)).toBe('{"return":   {}, "id": {"a": [1]}}');
  });

  it('tells events to both', async () => {
    const { qemu, relay, guard } = await relayed();
    const events: string[] = [];
    guard.listen(({ event }) => void events.push(event));
    const heard = heardBy(relay.attach());

    qemu.emit('STOP');
    await settled();

    expect(events).toEqual(['STOP']);
    expect(heard.lines.at(-1)).toContain('STOP');
  });

  it('drops the answer to a worker that has gone, and the next one never sees it', async () => {
    const { qemu, relay } = await relayed();
    const first = relay.attach();
    first.send('{"execute":"query-block","id":"late"}');
    first.close();
    const heard = heardBy(relay.attach());

    qemu.answer('late', []);
    await settled();

    expect(heard.lines).toHaveLength(1);
    expect(heard.lines[0]).toContain('QMP');
  });

  it('lets nothing of a worker through once it is closed', async () => {
    const { qemu, relay } = await relayed();
    const worker = relay.attach();

    worker.close();
    worker.send('{"execute":"stop","id":"1"}');

    expect(qemu.afterOpening).toEqual([]);
  });

  const halves = ['{"execute": "stop", "id": "1"', '[1, 2]', 'stop', '{"execute": "stop"}', ''];
  for (const line of halves) {
    it(`keeps ${JSON.stringify(line)} away from QEMU`, async () => {
      const { qemu, relay } = await relayed();
      const worker = relay.attach();
      const heard = heardBy(worker);

      worker.send(line);
      await settled();

      expect(qemu.afterOpening).toEqual([]);
      expect(heard.lines.at(-1)).toContain('error');
    });
  }

  it('serves one worker at a time', async () => {
    const { relay } = await relayed();
    const first = relay.attach();

    expect(() => relay.attach()).toThrow(/another client/);
    first.close();
    expect(heardBy(relay.attach()).ended).toBe(false);
  });

  it('ends the worker’s connection with its own', async () => {
    const { qemu, relay } = await relayed();
    const heard = heardBy(relay.attach());

    qemu.hangUp();
    await settled();

    expect(heard.ended).toBe(true);
  });

  it('lets a worker go that does not read, and stays usable itself', async () => {
    const { qemu, relay, guard } = await relayed();
    relay.attach();

    for (let count = 0; count < 21_000; count++) qemu.emit('BLOCK_JOB_ERROR');
    const status = guard.execute('query-status', {});
    await settled();
    qemu.answer(qemu.afterOpening.at(-1)?.id ?? '', { status: 'running', running: true });

    expect(await status).toMatchObject({ running: true });
    expect(heardBy(relay.attach()).ended).toBe(false);
  });
});
