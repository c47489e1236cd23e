import { describe, expect, it } from 'vitest';
import { QmpProtocolError } from '../../../qemu/errors.ts';
import { parseMessage } from '../../../qemu/qmp/messages.ts';

const timestamp = { seconds: 12, microseconds: 345_600 };

describe('parseMessage', () => {
  it('reads an event without data', () => {
    expect(parseMessage(JSON.stringify({ event: 'STOP', timestamp }))).toEqual({
      kind: 'event',
      event: { event: 'STOP', data: {}, timestampMs: 12_345.6 },
    });
  });

  it('reads an answer that returns null', () => {
    expect(parseMessage('{"return": null, "id": "x"}\r')).toEqual({
      kind: 'answer',
      id: 'x',
      answer: { return: null },
    });
  });

  it('reads an error', () => {
    const error = { class: 'GenericError', desc: 'no' };
    expect(parseMessage(JSON.stringify({ error, id: 'x' }))).toMatchObject({
      kind: 'answer',
      answer: { error },
    });
  });

  for (const line of ['', '{"return": ', '7', 'null', '{}', '[]', '{"QMP": {}}', '{"event": 1}'])
    it(`refuses ${JSON.stringify(line)}`, () => {
      expect(() => parseMessage(line)).toThrow(QmpProtocolError);
    });
});
