import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { splitLines } from '../../qemu/qmp/transport.ts';
import type { Custody } from './custody.ts';
import { Guard } from './guard.ts';
import type { Asker } from './lease.ts';
import { messageOf } from './log.ts';
import { QuestionMessage, type AnswerMessage } from './protocol.ts';

const maxLineLength = 4_096;
const flushMs = 1_000;

/** Takes questions on the guard's socket, and tells the custody who comes and goes. */
export class GuardServer {
  readonly #custody: Custody;
  readonly #guard: Guard;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(custody: Custody) {
    this.#custody = custody;
    this.#guard = new Guard(custody);
    this.#server = createServer((socket) => void this.#accept(socket));
  }

  async listen(path: string): Promise<void> {
    await rm(path, { force: true });
    this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  /** Takes the socket away and ends the connections, once what was answered is on its way; bounded. */
  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.end();
    const all = [...this.#sockets].map((socket) => once(socket, 'close'));
    await Promise.race([Promise.all(all), delay(flushMs)]);
  }

  async #accept(socket: Socket): Promise<void> {
    const asker: Asker = { left: false };
    this.#sockets.add(socket);
    this.#custody.join(asker);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#custody.leave(asker);
    });
    try {
      for await (const line of splitLines(socket.setEncoding('utf8'), maxLineLength))
        void this.#answer(line, asker, socket);
    } catch {
      // It broke; `close` says so.
    }
    socket.destroy();
  }

  async #answer(line: string, asker: Asker, socket: Socket): Promise<void> {
    const question = parse(line);
    if (!question) {
      socket.destroy();
      return;
    }
    const { id, ask } = question;
    const tell = (told: AnswerMessage) => void socket.write(`${JSON.stringify(told)}\n`);
    try {
      tell({ id, answer: await this.#guard[ask](asker) });
    } catch (error) {
      tell({ id, error: messageOf(error) });
    }
  }
}

function parse(line: string): QuestionMessage | undefined {
  try {
    return QuestionMessage.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
