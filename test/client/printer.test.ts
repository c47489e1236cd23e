import { describe, expect, it } from 'vitest';
import { UsageError } from '../../client/errors.ts';
import { Printer } from '../../client/printer.ts';
import type { Message } from '../../client/output.ts';

function printer(json: boolean, isTTY = false) {
  const written: string[] = [];
  const stream = (name: string, tty: boolean) => ({
    write: (text: string) => written.push(`${name} ${JSON.stringify(text)}`),
    isTTY: tty,
  });
  const io = {
    stdout: stream('out', false),
    stderr: stream('err', isTTY),
    environment: {},
    interrupted: new AbortController().signal,
  };
  return { printer: new Printer(io, json), written };
}

const progress: Message = {
  type: 'progress',
  vm: 'web1',
  step: 'copying',
  doneBytes: 1,
  totalBytes: 2,
  percent: 50,
};

describe('Printer', () => {
  it('writes results to stdout, and how it goes to stderr', () => {
    const { printer: to, written } = printer(false);

    to.print({ type: 'phase', vm: 'web1', phase: 'copying' });
    to.print({ type: 'finished', running: 0 });
    to.fail(new UsageError('what?'));

    expect(written).toEqual([
      'err "web1: copying\\n"',
      'out "Nothing runs.\\n"',
      'err "stillpoint: what?\\n"',
    ]);
  });

  it('writes every message as it is to stdout under --json', () => {
    const { printer: to, written } = printer(true, true);

    to.print(progress);
    to.fail(new UsageError('what?'));

    expect(written).toEqual([
      `out ${JSON.stringify(`${JSON.stringify(progress)}\n`)}`,
      String.raw`out "{\"type\":\"failed\",\"error\":{\"type\":\"UsageError\",\"message\":\"what?\"}}\n"`,
    ]);
  });

  it('rewrites one line with the percents where somebody watches, and clears it for the next', () => {
    const { printer: to, written } = printer(false, true);

    to.print(progress);
    to.print({ ...progress, percent: 51 });
    to.print({ type: 'finished', running: 0 });

    expect(written).toEqual([
      String.raw`err "\r\u001b[Kweb1: copying 50 % of 2 B"`,
      String.raw`err "\r\u001b[Kweb1: copying 51 % of 2 B"`,
      String.raw`err "\r\u001b[K"`,
      String.raw`out "Nothing runs.\n"`,
    ]);
  });

  it('leaves the percents out where nobody watches', () => {
    const { printer: to, written } = printer(false, false);

    to.print(progress);

    expect(written).toEqual([]);
  });
});
