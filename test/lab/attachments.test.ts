import { describe, expect, it } from 'vitest';
import { attachments, usualAttachment } from '../../lab/attachments.ts';

describe('attachments', () => {
  const titles = attachments.map(({ title }) => title);

  it('names every way once', () => {
    expect(new Set(titles).size).toBe(titles.length);
    expect(titles).toHaveLength(26);
  });

  it('has the usual way, for tests that need but one', () => {
    expect(attachments).toContainEqual(usualAttachment);
  });

  it('leaves out what QEMU cannot do', () => {
    const impossible = attachments.filter(
      ({ device, style, named, iothread }) =>
        (style === 'drive-if' && (named || iothread)) ||
        (iothread && !device.startsWith('virtio-')),
    );
    expect(impossible).toEqual([]);
  });
});
