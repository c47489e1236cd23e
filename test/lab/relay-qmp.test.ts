import { describe, expect, it } from 'vitest';
import type { Command } from '../../lab/relay-qmp.ts';
import { relayed } from './relayed.ts';

const EVENT = '{"event": "STOP"}';
const START = '{"execute":"blockdev-backup","arguments":{"device":"disk"},"id":"7"}';
const passOn = { before: async ({ line }: Command) => line };

describe('relayQmp', () => {
  it('passes all lines on as they are, both ways', async () => {
    await using pair = await relayed(passOn);
    pair.client.write('{"execute":"stop"}\nnot JSON\n');
    pair.qemu.write(`${EVENT}\n`);
    expect(await pair.atQemu()).toBe('{"execute":"stop"}');
    expect(await pair.atQemu()).toBe('not JSON');
    expect(await pair.atClient()).toBe(EVENT);
  });

  it('shows each command before QEMU has it, and after QEMU has answered', async () => {
    const seen: string[] = [];
    await using pair = await relayed({
      before: async ({ name, copied, line }) => {
        seen.push(`before ${name} of ${copied.join()}`);
        return line;
      },
      after: async ({ name }) => void seen.push(`after ${name}`),
    });
    pair.client.write(`${START}\n`);
    expect(await pair.atQemu()).toBe(START);
    pair.qemu.write(`${EVENT}\n{"return": {}, "id": "7"}\n`);
    await pair.atClient();
    await pair.atClient();

    expect(seen).toEqual(['before blockdev-backup of disk', 'after blockdev-backup']);
  });

  it('holds a command back until its onlooker lets it go, and what follows behind it', async () => {
    let letGo = () => {};
    let ask = () => {};
    const asked = new Promise<void>((resolve) => (ask = resolve));
    await using pair = await relayed({
      before: async ({ name, line }) => {
        if (name !== 'cont') return line;
        ask();
        await new Promise<void>((go) => (letGo = go));
        return 'another line';
      },
    });
    pair.client.write('{"execute":"cont"}\n{"execute":"query-status"}\n');
    await asked;
    const arrived = pair.atQemu();
    // A way there and back: time for a line that did not wait.
    pair.qemu.write(`${EVENT}\n`);
    await pair.atClient();
    letGo();

    expect(await arrived).toBe('another line');
    expect(await pair.atQemu()).toBe('{"execute":"query-status"}');
  });

  it('keeps to itself what the client may not hear of', async () => {
    await using pair = await relayed({ ...passOn, mayHearOf: (event) => event !== 'STOP' });
    pair.qemu.write(`${EVENT}\n{"event": "RESUME"}\n`);
    expect(await pair.atClient()).toContain('RESUME');
  });

  it('tells when nothing more comes of a command’s connection', async () => {
    let see: ((command: Command) => void) | undefined;
    const seen = new Promise<Command>((resolve) => (see = resolve));
    await using pair = await relayed({
      before: async (command) => {
        see?.(command);
        return command.line;
      },
    });
    pair.client.write(`${START}\n`);
    const { hungUp } = await seen;
    pair.client.destroy();
    await expect(hungUp).resolves.toBeUndefined();
  });

  it('ends QEMU’s side after what was sent when the client goes away', async () => {
    await using pair = await relayed(passOn);
    pair.client.end(`${START}\n`);
    expect(await pair.atQemu()).toBe(START);
    expect(await pair.atQemu()).toBeUndefined();
  });

  it('ends the client’s side when QEMU goes away', async () => {
    await using pair = await relayed(passOn);
    pair.qemu.destroy();
    expect(await pair.atClient()).toBeUndefined();
  });
});
