import { describe, expect, it } from 'vitest';
import { SendWindow } from '../../../qemu/qmp/send-window.ts';

const ids = Array.from({ length: 10 }, (_, index) => `c${index}`);

function filled(): { window: SendWindow; written: string[] } {
  const written: string[] = [];
  const window = new SendWindow((line) => written.push(line));
  for (const id of ids) window.send(id, id);
  return { window, written };
}

describe('SendWindow', () => {
  it('holds back what exceeds seven unanswered commands', () => {
    const { written } = filled();

    expect(written).toEqual(ids.slice(0, 7));
  });

  it('lets the next one through with each answer, in order', () => {
    const { window, written } = filled();

    window.answered('c3');

    expect(written).toEqual(ids.slice(0, 8));
  });

  it('is not moved by an answer to nobody', () => {
    const { window, written } = filled();

    window.answered('stale-1');

    expect(written).toHaveLength(7);
  });

  it('never sends what was taken back', () => {
    const { window, written } = filled();

    expect(window.takeBack('c7')).toBe(true);
    window.answered('c0');

    expect(written.at(-1)).toBe('c8');
  });

  it('cannot take back what was sent', () => {
    const { window } = filled();

    expect(window.takeBack('c0')).toBe(false);
  });
});
