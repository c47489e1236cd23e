import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  QmpBusyError,
  QmpCommandError,
  QmpDisconnectedError,
  QmpProtocolError,
  QmpTimeoutError,
} from '../../../qemu/errors.ts';
import { QmpClient } from '../../../qemu/qmp/client.ts';
import type { QmpEvent } from '../../../qemu/qmp/events.ts';
import { FakeQemu, settled } from './fake-qemu.ts';

const signal = new AbortController().signal;

function openOn(qemu: FakeQemu): Promise<QmpClient> {
  return QmpClient.open(qemu.transport, { signal, what: 'web1' });
}

afterEach(() => void vi.useRealTimers());

describe('QmpClient.open', () => {
  it('knows the version from the greeting', async () => {
    const client = await new FakeQemu().open();

    expect(client.version).toEqual({ major: 7, minor: 2, micro: 22 });
  });

  it('enables out-of-band commands where QEMU offers them', async () => {
    const qemu = new FakeQemu(['oob']);

    await qemu.open();

    expect(qemu.commands[0]?.arguments).toEqual({ enable: ['oob'] });
  });

  it('enables nothing that QEMU does not offer', async () => {
    const qemu = new FakeQemu([]);

    await qemu.open();

    expect(qemu.commands[0]?.arguments).toEqual({});
  });

  it('says that another client holds the socket when no greeting comes', async () => {
    vi.useFakeTimers();
    const qemu = new FakeQemu();

    const opening = openOn(qemu).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(3_000);

    const error = await opening;
    expect(error).toBeInstanceOf(QmpBusyError);
    expect(String(error)).toMatch(/web1.*another client holds the socket.*one client on each -qmp/);
    expect(qemu.closed).toBe(true);
  });

  it('fails when QEMU hangs up before it greets', async () => {
    const qemu = new FakeQemu();

    const opening = openOn(qemu);
    qemu.hangUp();

    await expect(opening).rejects.toBeInstanceOf(QmpDisconnectedError);
  });

  it('fails when the capabilities are not answered', async () => {
    vi.useFakeTimers();
    const qemu = new FakeQemu();
    qemu.onLine = () => {};
    qemu.greet();

    const opening = openOn(qemu).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(3_000);

    expect(await opening).toBeInstanceOf(QmpTimeoutError);
    expect(qemu.closed).toBe(true);
  });

  it('gives up when its signal aborts', async () => {
    const abort = new AbortController();
    const qemu = new FakeQemu();

    const opening = QmpClient.open(qemu.transport, { signal: abort.signal, what: 'web1' });
    abort.abort(new Error('cancelled'));

    await expect(opening).rejects.toThrow('cancelled');
    expect(qemu.closed).toBe(true);
  });

  it('looks past what QEMU meant for the client before', async () => {
    const qemu = new FakeQemu();
    qemu.say('-size": 65536}], "id": "other-4"}');
    qemu.answer('other-5', { status: 'stale' });

    const client = await qemu.open();

    expect(client.version.major).toBe(7);
  });
});

describe('QmpClient.execute', () => {
  it('sends the command with its arguments and returns what is read of the answer', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const answered = client.execute('query-status', {});
    const [sent] = qemu.afterOpening;
    qemu.answer(sent?.id ?? '', { status: 'running', running: true, singlestep: false });

    expect(sent).toMatchObject({ verb: 'execute', command: 'query-status', arguments: {} });
    expect(await answered).toEqual({ status: 'running', running: true });
  });

  it('gives each caller its own answer, in whatever order they come', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const status = client.execute('query-status', {});
    const jobs = client.execute('query-jobs', {});
    const [first, second] = qemu.afterOpening;
    qemu.answer(second?.id ?? '', []);
    qemu.answer(first?.id ?? '', { status: 'paused', running: false });

    expect(await status).toEqual({ status: 'paused', running: false });
    expect(await jobs).toEqual([]);
  });

  it('shares no id with another connection', async () => {
    const [one, two] = [new FakeQemu(), new FakeQemu()];
    await one.open();
    await two.open();

    expect(one.commands[0]?.id).not.toBe(two.commands[0]?.id);
  });

  it('drops an answer that was meant for another connection', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const answered = client.execute('query-status', {});
    qemu.answer('a1b2-1', { status: 'stale', running: false });
    qemu.say(JSON.stringify({ return: { status: 'without id', running: false } }));
    qemu.answer(qemu.afterOpening[0]?.id ?? '', { status: 'running', running: true });

    expect(await answered).toEqual({ status: 'running', running: true });
  });

  it('says which command QEMU refused, and why', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const refused = client.execute('job-cancel', { id: 'nope' });
    qemu.refuse(qemu.afterOpening[0]?.id ?? '', 'Job not found');

    const error = await refused.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(QmpCommandError);
    expect(error).toMatchObject({
      name: 'QmpCommandError',
      message: 'job-cancel: Job not found',
      command: 'job-cancel',
      errorClass: 'GenericError',
    });
  });

  it('refuses an answer of unknown shape', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const answered = client.execute('query-status', {});
    qemu.answer(qemu.afterOpening[0]?.id ?? '', { status: 7 });

    await expect(answered).rejects.toBeInstanceOf(QmpProtocolError);
  });

  it('sends nothing whose arguments are not in the table', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();
    const args = { 'node-name': 'n', force: true };

    await expect(client.execute('blockdev-del', args)).rejects.toBeInstanceOf(QmpProtocolError);

    expect(qemu.afterOpening).toEqual([]);
  });

  it('stops waiting after its deadline, drops the late answer and stays usable', async () => {
    vi.useFakeTimers();
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const late = client.execute('stop', {}, { timeoutMs: 500 }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(500);
    expect(await late).toBeInstanceOf(QmpTimeoutError);
    const answered = client.execute('query-status', {});
    const [stop, query] = qemu.afterOpening;
    qemu.answer(stop?.id ?? '', {});
    qemu.answer(query?.id ?? '', { status: 'paused', running: false });

    expect(await answered).toEqual({ status: 'paused', running: false });
  });

  it('waits 10 s when no deadline is given', async () => {
    vi.useFakeTimers();
    const client = await new FakeQemu().open();

    const late = client.execute('stop', {}).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(10_000);

    expect(String(await late)).toContain('web1: stop: no answer within 10000 ms');
  });

  it('stops waiting when its signal aborts', async () => {
    const abort = new AbortController();
    const client = await new FakeQemu().open();

    const answered = client.execute('stop', {}, { signal: abort.signal });
    abort.abort(new Error('cancelled'));

    await expect(answered).rejects.toThrow('cancelled');
  });

  it('sends nothing when its signal has aborted already', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const answered = client.execute('stop', {}, { signal: AbortSignal.abort(new Error('over')) });

    await expect(answered).rejects.toThrow('over');
    expect(qemu.afterOpening).toEqual([]);
  });
});

describe('QmpClient.executeOutOfBand', () => {
  it('overtakes commands that are held back', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const hung = Array.from({ length: 20 }, () => client.execute('query-jobs', {}).catch(String));
    const yanked = client.executeOutOfBand('yank', { instances: [] });
    const sent = qemu.afterOpening;
    qemu.answer(sent.at(-1)?.id ?? '', {});

    await yanked;
    expect(sent.length).toBeLessThanOrEqual(8);
    expect(sent.at(-1)).toMatchObject({ verb: 'exec-oob', command: 'yank' });
    client.close();
    await Promise.all(hung);
  });

  it('goes like any other where QEMU offers no such thing', async () => {
    const qemu = new FakeQemu([]);
    const client = await qemu.open();

    const yanked = client.executeOutOfBand('yank', { instances: [] });
    qemu.answer(qemu.afterOpening[0]?.id ?? '', {});
    await yanked;

    expect(qemu.afterOpening[0]?.verb).toBe('execute');
  });
});

describe('QmpClient.listen', () => {
  it('hears an event that comes before the answer', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();
    const heard: QmpEvent[] = [];
    client.listen((event) => heard.push(event));

    const answered = client.execute('stop', {});
    qemu.emit('STOP');
    qemu.answer(qemu.afterOpening[0]?.id ?? '', {});
    await answered;

    expect(heard).toEqual([{ event: 'STOP', data: {}, timestampMs: 1_700_000_000_250 }]);
  });

  it('hears nothing any more once it has been told to stop', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();
    const heard: QmpEvent[] = [];
    const stop = client.listen((event) => heard.push(event));

    stop();
    qemu.emit('RESUME');
    await settled();

    expect(heard).toEqual([]);
  });
});

describe('the end of a connection', () => {
  it('rejects what waits and what comes later, when QEMU goes away', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const waiting = [client.execute('stop', {}), client.execute('query-jobs', {})];
    qemu.hangUp();

    for (const call of waiting) await expect(call).rejects.toBeInstanceOf(QmpDisconnectedError);
    await expect(client.execute('cont', {})).rejects.toBeInstanceOf(QmpDisconnectedError);
    expect(client.closed).toBe(true);
  });

  it('rejects what waits when the client closes', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const waiting = client.execute('stop', {});
    await client[Symbol.asyncDispose]();
    client.close();

    await expect(waiting).rejects.toBeInstanceOf(QmpDisconnectedError);
    expect(qemu.closed).toBe(true);
  });

  it('comes when QEMU says what is no message', async () => {
    const qemu = new FakeQemu();
    const client = await qemu.open();

    const waiting = client.execute('stop', {}).catch((error: unknown) => error);
    qemu.say('Segmentation fault');

    const error = await waiting;
    expect(error).toBeInstanceOf(QmpDisconnectedError);
    expect(error).toMatchObject({ cause: expect.any(QmpProtocolError) });
    expect(qemu.closed).toBe(true);
  });
});
